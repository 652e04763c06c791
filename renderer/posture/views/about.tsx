import { useState } from 'react';
import type { Client } from '../../../contracts/call.ts';
import type { DeskView, Ipc } from '../../../contracts/ipc.ts';
import { useWords } from '../words.ts';

export function AboutView({ ipc, view }: { ipc: Client<Ipc>; view: DeskView }) {
  const { texts, time } = useWords();
  const { ui } = texts;
  const [told, setTold] = useState<{ ok: boolean; says: string } | null>(null);
  const { snapshot, app } = view;

  const save = async () => {
    const answer = await ipc.saveBundle(undefined);
    if (answer.ok) return setTold({ ok: true, says: ui('app.about.bundle.done', { path: answer.value.path }) });
    const { code } = answer.error;
    setTold({ ok: false, says: ui(code === 'busy' || code === 'no-daemon' ? `app.recheck.${code}` : 'app.recheck.failed') });
  };

  const rows: [string, string][] = [[ui('app.about.app'), `${app.version}, ${ui(`platform.${app.platform}`)}`]];
  if (snapshot !== null) {
    const { daemon, policy, allowlist, fleet } = snapshot;
    const signed = ui(policy.signed ? 'policy.signed' : 'policy.unsigned');
    rows.push(
      [ui('app.about.daemon'), daemon.version],
      [ui('app.about.policy'), ui('app.about.policy.value', { id: policy.id, revision: policy.revision, signed })],
      [ui('app.about.allowlist'), ui('app.about.allowlist.value', { revision: allowlist.revision, at: time.date(allowlist.createdAt) })],
      [ui('app.about.instance'), [policy.instance.alias, policy.instance.region].filter(Boolean).join(', ')],
      [ui('app.about.server'), fleet.server ?? ui('app.about.none')],
      [ui('app.about.device'), fleet.device ?? ui('app.about.none')],
      [ui('app.about.waiting'), time.number(fleet.waitingReports)],
    );
  }
  rows.push([ui('app.about.licence'), ui('app.about.licence.value')]);

  return (
    <>
      <h1>{ui('app.nav.about')}</h1>
      <p className="lead">{ui('app.about.lead')}</p>
      <dl className="rows">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="actions">
        <button type="button" onClick={() => void save()}>
          {ui('app.about.bundle')}
        </button>
        <span className="quiet">{ui('app.about.bundle.more')}</span>
      </div>
      <p role="status" className={told?.ok === false ? 'trouble' : 'done'}>
        {told?.says}
      </p>
    </>
  );
}
