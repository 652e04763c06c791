import { expect, it } from 'vitest';
import { missingSockets, parseSockets } from '../../lab/sockets.ts';

const tcp = `  sl  local_address rem_address   st tx_queue
   0: 0A0A9436:01BB 00000000:0000 0A 00000000:00000000
   1: 0A0A9436:01BB 0247A8C0:C350 01 00000000:00000000
`;
const udp = `  sl  local_address rem_address   st tx_queue
 133: 0147A8C0:0035 00000000:0000 07 00000000:00000000
`;
const tcp6 = `  sl  local_address remote_address st
   0: 00000000000000000000000000000000:20FB 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:20FC 00000000000000000000000000000000:0000 0A
`;

it('reads who listens, and leaves out connections and foreign loopbacks', () => {
  expect(parseSockets('tcp', tcp)).toEqual([{ protocol: 'tcp', address: '54.148.10.10', port: 443 }]);
  expect(parseSockets('udp', udp)).toEqual([{ protocol: 'udp', address: '192.168.71.1', port: 53 }]);
  expect(parseSockets('tcp', tcp6)).toEqual([{ protocol: 'tcp', address: '0.0.0.0', port: 8443 }]);
});

it('is content with a wildcard, but not with another protocol', () => {
  const wanted = { protocol: 'tcp', address: '192.168.71.1', port: 8443 } as const;
  expect(missingSockets([wanted], [{ ...wanted, address: '0.0.0.0' }])).toEqual([]);
  expect(missingSockets([wanted], [{ ...wanted, protocol: 'udp' }])).toEqual([wanted]);
});
