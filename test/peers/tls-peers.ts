import { toolPath } from '../../build/debian-tools.ts';
import { type Lab, withLab } from '../lab/with-lab.ts';
import { findOurs, say, type Table } from './ours.ts';

const HOST = 'acme.my.connect.aws';
const ADDRESS = '54.148.10.10';
const OPENSSL_MS = 15_000;
/** testssl takes about 15 s a server. */
const TESTSSL_MS = 120_000;

export async function compareTls(): Promise<Table> {
  const table: Table = [['server', 'our finding', 'ours: protocol, cipher', 'openssl s_client', 'testssl']];
  for (const scenario of ['healthy', 'expired', 'wrong-host', 'self-signed', 'old-tls', 'no-forward-secrecy']) {
    process.stderr.write(`  ${scenario}\n`);
    table.push(await withLab(scenario, compareServer));
  }
  return table;
}

async function compareServer(lab: Lab): Promise<string[]> {
  const finding = await findOurs(lab, 'tls.handshake');
  const { endpoints } = finding.evidence as { endpoints: { host: string; protocol: string | null; cipher: string | null }[] };
  const ours = endpoints.find((endpoint) => endpoint.host === HOST);
  return [lab.scenario, say(finding), `${ours?.protocol ?? '-'}, ${ours?.cipher ?? '-'}`, await askOpenssl(lab), await askTestssl(lab)];
}

async function askOpenssl(lab: Lab): Promise<string> {
  const target = ['-connect', `${ADDRESS}:443`, '-servername', HOST, '-verify_hostname', HOST, '-CAfile', lab.rootPath];
  const { stdout, stderr } = await lab.exec([toolPath('openssl'), 's_client', ...target], { input: '', timeoutMs: OPENSSL_MS });
  const [, protocol, cipher] = /New, (\S+), Cipher is (\S+)/.exec(stdout) ?? [];
  const verdict = /Verify return code: (.+)/.exec(stdout)?.[1] ?? '';
  const alert = /:SSL routines:[^:]*:([^:]+):/.exec(stderr)?.[1];
  return alert && cipher === '(NONE)' ? alert : `${protocol}, ${cipher}; ${verdict}`;
}

async function askTestssl(lab: Lab): Promise<string> {
  const options = ['--quiet', '--color', '0', '--warnings', 'off', '-p', '-f', '-S', '--add-ca', lab.rootPath, '--ip', ADDRESS];
  const { stdout } = await lab.exec([toolPath('testssl'), ...options, `${HOST}:443`], { timeoutMs: TESTSSL_MS });
  const offered = stdout
    .split('\n')
    .flatMap((line) => /^ (TLS 1\.?\d?|SSLv\d)\s+offered/.exec(line.replace(/ TLS 1 /, ' TLS 1.0 '))?.[1] ?? []);
  const line = (label: RegExp) =>
    stdout
      .split('\n')
      .find((text) => label.test(text))
      ?.replace(label, '')
      .trim() ?? '';
  return [
    offered.join(' '),
    `forward secrecy: ${/FS is offered|PFS is offered/.test(stdout) ? 'offered' : /No ciphers supporting Forward Secrecy offered/.test(stdout) ? 'none' : '?'}`,
    `trust: ${line(/^ Trust \(hostname\)/)}`,
    `chain: ${line(/^ Chain of trust/)}`,
    `validity: ${line(/^ Certificate Validity \(UTC\)/)}`,
  ].join('; ');
}
