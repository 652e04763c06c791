import { EnrolAnswer } from '../../../contracts/fleet-api.ts';
import { type DeskConnection, openConnection } from './desk-connection.ts';
import { benchDeskKeys } from './desk-keys.ts';

export interface EnrolOrder {
  port: number;
  ca: string;
  secret: string;
  desks: number;
}

export interface EnrolledDesk {
  id: string;
  connection: DeskConnection;
}

/** Below the limit of calls without a certificate that one address may make in a minute. */
const DESKS_PER_ADDRESS = 1_000;
const AT_ONCE = 16;

/** Each by a key, a request and a ticket use of its own; then the connection that it keeps. */
export async function enrolDesks({ port, ca, secret, desks }: EnrolOrder): Promise<EnrolledDesk[]> {
  const keys = await benchDeskKeys(desks);
  const enrolled: EnrolledDesk[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const lines = new Map<string, DeskConnection>();
      for (let index = next++; index < keys.length; index = next++) {
        const [key, localAddress] = [keys[index], `127.0.0.${2 + Math.floor(index / DESKS_PER_ADDRESS)}`];
        if (!key) break;
        const line =
          lines.get(localAddress) ?? (await openConnection({ host: '127.0.0.1', servername: 'localhost', port, ca, localAddress }));
        lines.set(localAddress, line);
        const agent = { version: '0.1.0', platform: 'linux' };
        const request = { schema: 1, secret, csr: key.csr, hostName: `desk-${index}.example.com`, agent };
        const reply = await line.post('/device/v1/enrol', JSON.stringify(request));
        if (reply.status !== 200) throw new Error(`desk ${index} was not enrolled: ${reply.status} ${reply.body}`);
        const answer = EnrolAnswer.parse(JSON.parse(reply.body));
        if (answer.status !== 'enrolled') throw new Error(`desk ${index} is ${answer.status}`);
        const shown = { cert: answer.certificate, key: key.key };
        const connection = await openConnection({ host: '127.0.0.1', servername: 'localhost', port, ca, ...shown });
        enrolled.push({ id: answer.device, connection });
      }
      for (const line of lines.values()) line.close();
    }),
  );
  return enrolled;
}
