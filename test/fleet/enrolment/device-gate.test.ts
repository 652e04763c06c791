import { createPrivateKey, createPublicKey, randomUUID, X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeCertificate } from '../../../fleet/enrolment/authority/write-certificate.ts';
import { deviceUri } from '../../../fleet/enrolment/device-uri.ts';
import { refuseForwardedCertificates } from '../../../fleet/enrolment/forwarded-certificate.ts';
import { addTenant } from '../database.ts';
import { describeWithDatabase } from '../describe-with-database.ts';
import { type DeskKey, deskKeys, enrolBody } from './desk-keys.ts';
import { DAY_MS, type Replica, type StagedFleet, stageFleet } from './staged-fleet.ts';

const HOUR_MS = 60 * 60_000;
const DOCUMENTS = '/device/v1/documents/policy';

/** The listener is on IPv4 alone. */
const loopback: LookupFunction = (_name, { all }, done) =>
  all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);

describeWithDatabase('who calls the device API', () => {
  let staged: StagedFleet;
  let fleet: Replica;
  let other: Replica;
  let own: DeskKey;
  let stranger: DeskKey;
  let spki: Buffer;
  beforeAll(async () => {
    staged = await stageFleet();
    [[own, stranger], fleet, other] = (await Promise.all([deskKeys(2), staged.replica(), staged.replica()])) as [
      [DeskKey, DeskKey],
      Replica,
      Replica,
    ];
    spki = createPublicKey(own.key).export({ type: 'spki', format: 'der' });
  });
  afterAll(() => staged?.close());

  async function enrolled(): Promise<{ device: string; certificate: string }> {
    await staged.db.within({ tenant: staged.tenant }, (tx) => tx.deleteFrom('device').execute());
    const { secret } = await fleet.ticket();
    const { body } = await fleet.call('POST', '/device/v1/enrol', { body: enrolBody(secret, own) });
    return body;
  }
  const as = (certificate: string, key = own.key) => ({ credentials: { certificate, key } });
  const documents = (certificate: string, at = fleet) => at.call('GET', DOCUMENTS, as(certificate));
  const renew = (certificate: string, csr = own.csr, at = fleet) =>
    at.call('POST', '/device/v1/renew', { ...as(certificate), body: { schema: 1, csr } });
  const codeOf = ({ status, body }: { status: number; body: { error?: { code: string } } }) => `${status} ${body.error?.code ?? ''}`.trim();

  it('admits a certificate that was issued here, at every server', async () => {
    const { certificate, device } = await enrolled();
    expect(codeOf(await documents(certificate))).toBe('200');
    expect(codeOf(await documents(certificate, other))).toBe('200');
    expect((await staged.records()).at(-1)).toMatchObject({
      actor: { kind: 'device', id: device },
      action: 'GET /device/v1/documents/:kind',
    });
  });

  it('knows a desk again on a connection that resumes another, and refuses it there too', async () => {
    const { certificate, device } = await enrolled();
    const ca = fleet.enrolment.authority.certificate;
    const agent = new Agent({ ca, cert: certificate, key: own.key, maxCachedSessions: 10 });
    const ask = () =>
      new Promise<{ status: number; resumed: boolean }>((resolve, reject) => {
        const asked = request(`${fleet.url}${DOCUMENTS}`, { agent, lookup: loopback }, (answer) => {
          const resumed = (answer.socket as TLSSocket).isSessionReused();
          answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, resumed }));
        });
        asked.on('error', reject).end();
      });
    expect(await ask()).toEqual({ status: 200, resumed: false });
    expect(await ask()).toEqual({ status: 200, resumed: true });
    await fleet.console('POST', `/api/v1/desks/${device}/revoke`);
    expect(await ask()).toEqual({ status: 403, resumed: true });
    agent.destroy();
  });

  it('asks for a certificate', async () => {
    expect(codeOf(await fleet.call('GET', DOCUMENTS))).toBe('401 not-enrolled');
    expect(codeOf(await fleet.call('POST', '/device/v1/renew', { body: { schema: 1, csr: own.csr } }))).toBe('401 not-enrolled');
    expect(codeOf(await fleet.call('GET', '/device/v1/nothing'))).toBe('404 bad-request');
  });

  it('renews a certificate for up to 90 days after its end, and admits it to nothing else then', async () => {
    const { certificate } = await enrolled();
    staged.clock.advance(7 * DAY_MS);
    expect(codeOf(await documents(certificate))).toBe('200');
    staged.clock.advance(HOUR_MS);
    expect(codeOf(await documents(certificate))).toBe('401 not-enrolled');
    staged.clock.advance(89 * DAY_MS - HOUR_MS);
    expect(codeOf(await documents(certificate))).toBe('401 not-enrolled');
    const renewed = await renew(certificate);
    expect(renewed.status).toBe(200);
    expect(codeOf(await documents(renewed.body.certificate))).toBe('200');
    staged.clock.advance(2 * DAY_MS);
    expect(codeOf(await renew(certificate))).toBe('401 not-enrolled');
    expect(codeOf(await documents(renewed.body.certificate))).toBe('200');
  });

  it('renews for the same key alone', async () => {
    const { certificate } = await enrolled();
    expect(codeOf(await renew(certificate, stranger.csr))).toBe('400 bad-request');
    const garbage = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
    expect(codeOf(await renew(certificate, garbage))).toBe('400 bad-request');
    expect(fleet.faults).toEqual([]);
  });

  it('refuses a revoked desk at once where it was revoked, and elsewhere within 60 s', async () => {
    const { certificate, device } = await enrolled();
    expect(codeOf(await documents(certificate))).toBe('200');
    expect(codeOf(await documents(certificate, other))).toBe('200');
    expect(codeOf(await fleet.console('POST', `/api/v1/desks/${device}/revoke`))).toBe('200');
    expect(codeOf(await documents(certificate))).toBe('403 revoked');
    staged.clock.advance(60_000);
    expect(codeOf(await documents(certificate, other))).toBe('403 revoked');
    expect(codeOf(await renew(certificate))).toBe('403 revoked');
    const { secret } = await fleet.ticket();
    expect(codeOf(await fleet.call('POST', '/device/v1/enrol', { body: enrolBody(secret, own) }))).toBe('403 ticket-refused');
  });

  it('asks the database once in 60 s, and not with each call', async () => {
    const { certificate, device } = await enrolled();
    expect(codeOf(await documents(certificate))).toBe('200');
    const setStatus = (status: 'revoked' | 'enrolled') =>
      staged.db.within({ tenant: staged.tenant }, (tx) => tx.updateTable('device').set({ status }).where('id', '=', device).execute());
    await setStatus('revoked');
    staged.clock.advance(59_999);
    expect(codeOf(await documents(certificate))).toBe('200');
    staged.clock.advance(1);
    expect(codeOf(await documents(certificate))).toBe('403 revoked');
  });

  it('knows a retired desk no more', async () => {
    const { certificate, device } = await enrolled();
    expect(codeOf(await fleet.console('POST', `/api/v1/desks/${device}/retire`))).toBe('200');
    expect(codeOf(await documents(certificate))).toBe('401 not-enrolled');
    expect(codeOf(await fleet.console('POST', `/api/v1/desks/${device}/retire`))).toBe('409 conflict');
  });

  it('believes no certificate that it has not made, whatever it says', async () => {
    const { device, certificate: good } = await enrolled();
    const { authority } = fleet.enrolment;
    const privateKey = createPrivateKey(stranger.key);
    const now = staged.now();
    const order = {
      subject: device,
      spki,
      serial: new X509Certificate(good).serialNumber,
      notBefore: now,
      notAfter: new Date(now.getTime() + DAY_MS),
      use: { kind: 'device' as const, uri: deviceUri(staged) },
    };
    const foreignSpki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    const foreignOrder = { ...order, subject: 'Deskwarden Fleet CA', spki: foreignSpki, use: { kind: 'authority' as const } };
    const foreignCa = writeCertificate(foreignOrder, { certificate: null, key: privateKey });
    const theirs = await addTenant(staged.db);
    /** By the CA, and on record as the good desk's. */
    const misnamed = async (names: { tenant: string; instance: string; id: string }) => {
      const { certificate, serial } = await authority.issueDevice(names, spki, now);
      const row = { tenant_id: staged.tenant, instance_id: staged.instance, serial, device_id: device, not_before: now, not_after: now };
      await staged.db.within({ tenant: staged.tenant }, (tx) => tx.insertInto('device_certificate').values(row).execute());
      return certificate;
    };
    const made = {
      'by a CA of the same name': writeCertificate(order, { certificate: foreignCa, key: privateKey }),
      'by a key that is not the CA’s, in all else alike': writeCertificate(order, { certificate: authority.certificate, key: privateKey }),
      'by the CA, under a serial number that it keeps no record of': (await authority.issueDevice({ ...staged, id: device }, spki, now))
        .certificate,
      'by the CA, for another tenant': await misnamed({ ...theirs, id: device }),
      'by the CA, for another instance': await misnamed({ ...staged, instance: randomUUID(), id: device }),
      'by the CA, for another device': await misnamed({ ...staged, id: randomUUID() }),
      'by the CA, for a server': (await authority.issueServer([device], spki, DAY_MS, now)).certificate,
    };
    expect(codeOf(await documents(await misnamed({ ...staged, id: device })))).toBe('200');
    const codes: Record<string, string> = {};
    for (const [name, certificate] of Object.entries(made)) codes[name] = codeOf(await documents(certificate));
    expect(codes).toEqual(Object.fromEntries(Object.keys(made).map((name) => [name, '401 not-enrolled'])));
  });

  it.each([
    'x-client-cert',
    'x-forwarded-client-cert',
    'x-forwarded-tls-client-cert',
    'x-forwarded-tls-client-cert-info',
    'ssl-client-cert',
    'ssl-client-verify',
    'ssl-client-subject-dn',
    'x-ssl-client-cert',
    'x-ssl-client-verify',
    'x-ssl-cert',
    'client-cert',
    'client-cert-chain',
    'x-client-dn',
    'x-tls-client-subject',
    'x-arr-clientcert',
    'x-amzn-mtls-clientcert',
    'x-amzn-mtls-clientcert-leaf',
    'x-goog-client-cert-present',
    'cf-client-cert-sha256',
    'tls-client-cert',
  ])('refuses a call with the header %s', (name) => {
    expect(() => refuseForwardedCertificates({ [name]: 'x' })).toThrow(/forwards a client certificate/);
  });

  it('refuses forwarded certificates before all else, a good certificate beside them notwithstanding', async () => {
    const { certificate } = await enrolled();
    const headers = { 'X-Client-Cert': 'forged' };
    expect(codeOf(await fleet.call('GET', DOCUMENTS, { ...as(certificate), headers }))).toBe('400 bad-request');
    expect(codeOf(await fleet.call('GET', '/device/v1/trust', { headers }))).toBe('400 bad-request');
    const harmless = {
      'user-agent': 'x',
      accept: '*/*',
      host: 'localhost',
      connection: 'close',
      'x-request-id': '1',
      'content-type': 'a/b',
    };
    expect(codeOf(await fleet.call('GET', '/device/v1/trust', { headers: harmless }))).toBe('200');
  });
});
