import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { sectionsOf } from '../../../../agent/cli/verdict-sections.ts';
import { renderVerdict } from '../../../../agent/cli/verdict-table.ts';
import { locales } from '../../../../checks/texts/locale.ts';
import { RuleId } from '../../../../contracts/finding.ts';
import { Verdict } from '../../../../contracts/verdict.ts';
import { blockedRun, cautionRun, clearRun, sampleFacts, samplePolicy, sampleTextsIn, undeterminedRun } from './sample-run.ts';

const facts = { columns: 80, rows: 24, color: false, unicode: true };
const ESC = '\u001b';

describe('renderVerdict', () => {
  it('answers in English', () => {
    expect(renderVerdict(blockedRun, sampleFacts, sampleTextsIn('en'), { ...facts, columns: 200 })).toMatchInlineSnapshot(`
      " ✖  This desk cannot take calls.
          IT needs to put this right.

       What stands in the way

       ✖  Call audio path (UDP 3478)                                                      network.turn-udp
          Nothing comes back from the audio servers on UDP 3478.
          Where         turnnlb-d76454ac48d20c1e.elb.us-west-2.amazonaws.com,
                        turnnlb-8a79b4c15b3a4f0d.elb.us-west-2.amazonaws.com
          Who fixes it  IT
          How           Allow outbound UDP to port 3478 and its replies, to these hosts or to AWS's
                        AMAZON_CONNECT ranges. A proxy cannot carry audio.
          also affected: Call audio quality

       ✖  Encryption unbroken to AWS                                                      tls.interception
          Something opens the encrypted connection: it answers with a certificate of "Acme Proxy CA".
          Where         acme.my.connect.aws
          Who fixes it  IT
          How           Exempt these hosts from TLS inspection.

       What needs attention

       ?  Live connection (WebSocket)                                                    network.websocket
          The look was not finished in time.
          Who fixes it  IT
          How           Check again; if it keeps happening, look for a slow network or a busy computer.

       For information

       •  Allowlist up to date                                                 network.allowlist-freshness
          The list of AWS hosts is 45 days old.
          Who fixes it  You
          How           Update Deskwarden.

       In order
       ✔  Names resolve · Secure connection · Clock right

       Does not apply here
       –  No way out beside the allowlist · Distance to the Region
          The policy does not name what to look at.
       –  No sign-in page in the way
          A proxy does this on behalf of the desk.

       Not run here: needs the agent's own session
       ○  Headset and microphone

       Put right what is listed above, then run the check again.
       Details: deskwarden explain network.turn-udp
       Policy built-in, revision 1 · AWS allowlist of 2026-11-20 · took 4.2 s
      "
    `);
  });

  it('answers in Traditional Chinese', () => {
    expect(renderVerdict(blockedRun, sampleFacts, sampleTextsIn('zh-TW'), facts)).toMatchInlineSnapshot(`
      " ✖  這台工作站無法接聽來電。
          需要由 IT 人員處理。

       妨礙通話的問題

       ✖  通話語音路徑（UDP 3478）                                    network.turn-udp
          語音伺服器的 UDP 3478 沒有任何回應。
          位置      turnnlb-d76454ac48d20c1e.elb.us-west-2.amazonaws.com,
                    turnnlb-8a79b4c15b3a4f0d.elb.us-west-2.amazonaws.com
          處理者    IT 人員
          處理方式  請允許往 3478 連接埠的對外 UDP 及其回應，目的地為上述主機或 AWS 的
                    AMAZON_CONNECT 位址範圍。Proxy 無法傳送語音。
          同時受影響：通話語音品質

       ✖  到 AWS 的加密未被中斷                                       tls.interception
          有設備解開了加密連線，並以「Acme Proxy CA」簽發的憑證回應。
          位置      acme.my.connect.aws
          處理者    IT 人員
          處理方式  請將這些主機排除在 TLS 檢查之外。

       需要留意的事項

       ?  即時連線（WebSocket）                                      network.websocket
          未能在時限內完成檢查。
          處理者    IT 人員
          處理方式  請再檢查一次；若持續發生，請查看是否網路緩慢或電腦忙碌。

       僅供參考

       •  允許清單為最新                                   network.allowlist-freshness
          AWS 主機清單已有 45 天未更新。
          處理者    您
          處理方式  請更新 Deskwarden。

       正常
       ✔  名稱解析正常 · 安全連線 · 時鐘正確

       不適用於此
       –  沒有清單以外的出口 · 與區域的距離
          原則未指定要檢查的對象。
       –  沒有登入頁面阻擋
          此工作由 Proxy 代為處理。

       未在此執行：需要客服人員本人的工作階段
       ○  耳機與麥克風

       請處理上述問題，然後再執行一次檢查。
       詳細資訊：deskwarden explain network.turn-udp
       原則 built-in，版次 1 · AWS 允許清單：2026-11-20 · 耗時 4.2 秒
      "
    `);
  });

  it('answers in a narrow window without Unicode', () => {
    expect(renderVerdict(blockedRun, sampleFacts, sampleTextsIn('en'), { ...facts, columns: 44, unicode: false })).toMatchInlineSnapshot(`
      " x  This desk cannot take calls.
          IT needs to put this right.

       What stands in the way

       x  Call audio path (UDP 3478)
          network.turn-udp
          Nothing comes back from the audio
          servers on UDP 3478.
          Where         turnnlb-d76454ac48d20c1e.e
                        lb.us-west-2.amazonaws.com
                        ,
                        turnnlb-8a79b4c15b3a4f0d.e
                        lb.us-west-2.amazonaws.com
          Who fixes it  IT
          How           Allow outbound UDP to port
                        3478 and its replies, to
                        these hosts or to AWS's
                        AMAZON_CONNECT ranges. A
                        proxy cannot carry audio.
          also affected: Call audio quality

       x  Encryption unbroken to AWS
          tls.interception
          Something opens the encrypted
          connection: it answers with a
          certificate of "Acme Proxy CA".
          Where         acme.my.connect.aws
          Who fixes it  IT
          How           Exempt these hosts from
                        TLS inspection.

       What needs attention

       ?  Live connection (WebSocket)
          network.websocket
          The look was not finished in time.
          Who fixes it  IT
          How           Check again; if it keeps
                        happening, look for a slow
                        network or a busy
                        computer.

       For information

       *  Allowlist up to date
          network.allowlist-freshness
          The list of AWS hosts is 45 days old.
          Who fixes it  You
          How           Update Deskwarden.

       In order
       +  Names resolve | Secure connection
          Clock right

       Does not apply here
       -  No way out beside the allowlist
          Distance to the Region
          The policy does not name what to look
          at.
       -  No sign-in page in the way
          A proxy does this on behalf of the desk.

       Not run here: needs the agent's own session
       o  Headset and microphone

       Put right what is listed above, then run
       the check again.
       Details: deskwarden explain
       network.turn-udp
       Policy built-in, revision 1
       AWS allowlist of 2026-11-20 | took 4.2 s
      "
    `);
  });

  it('answers in colour', () => {
    const run = renderVerdict(cautionRun, sampleFacts, sampleTextsIn('en'), { ...facts, color: true });
    expect(run.replaceAll(ESC, '<ESC>')).toMatchInlineSnapshot(`
      " <ESC>[33m▲<ESC>[39m  <ESC>[1m<ESC>[33mNothing was found that stops calls on this desk, but something needs<ESC>[39m<ESC>[22m
          <ESC>[1m<ESC>[33mattention.<ESC>[39m<ESC>[22m
          IT needs to put this right.

       <ESC>[1mWhat needs attention<ESC>[22m

       <ESC>[33m?<ESC>[39m  <ESC>[1mLive connection (WebSocket)<ESC>[22m                                <ESC>[2mnetwork.websocket<ESC>[22m
          The look was not finished in time.
          <ESC>[2mWho fixes it  <ESC>[22mIT
          <ESC>[2mHow           <ESC>[22mCheck again; if it keeps happening, look for a slow network or
                        a busy computer.

       <ESC>[1mIn order<ESC>[22m
       <ESC>[32m✔<ESC>[39m  Names resolve · Secure connection · Clock right

       <ESC>[1mNot run here: needs the agent's own session<ESC>[22m
       <ESC>[2m○<ESC>[22m  Headset and microphone

       Calls can go on; put right what is listed above when you can.
       Details: deskwarden explain network.websocket
       <ESC>[2mPolicy built-in, revision 1 · AWS allowlist of 2026-11-20 · took 4.2 s<ESC>[22m
      "
    `);
  });

  it('is short when nothing is wrong', () => {
    expect(renderVerdict(clearRun, { ...sampleFacts, notRun: [] }, sampleTextsIn('en'), facts)).toMatchInlineSnapshot(`
      " ✔  This desk can take calls.

       In order
       ✔  Names resolve · Secure connection · Clock right

       Does not apply here
       –  No sign-in page in the way
          A proxy does this on behalf of the desk.

       Nothing has to be done before taking calls.
       Policy built-in, revision 1 · AWS allowlist of 2026-11-20 · took 4.2 s
      "
    `);
  });

  it('says what was left out, and so claims less', () => {
    const shared = { ...samplePolicy, instance: { region: 'us-west-2', identity: 'saml', govCloud: false } } as const;
    const head = (run: Parameters<typeof renderVerdict>[1], document = clearRun) =>
      renderVerdict(document, run, sampleTextsIn('en'), facts).split('\n\n')[0];
    expect(head({ policy: samplePolicy, only: true, notRun: [] })).toMatchInlineSnapshot(
      `" ✔  The chosen checks found nothing in the way of calls."`,
    );
    expect(head({ policy: shared, only: false, notRun: [] })).toMatchInlineSnapshot(`
      " ✔  Nothing stands in the way of calls on the hosts that could be checked.
          Only hosts shared by the whole Region were checked: name your instance to
          check the rest."
    `);
    expect(head({ policy: samplePolicy, only: true, notRun: [] }, undeterminedRun)).toMatchInlineSnapshot(`
      " ?  The chosen checks could not determine whether calls will work.
          IT needs to put this right."
    `);
  });

  it.each(locales)('stays within the window and lets no control character through: %s', (locale) => {
    for (const columns of [30, 44, 80, 100, 300]) {
      const text = renderVerdict(blockedRun, sampleFacts, sampleTextsIn(locale), { ...facts, columns });
      // Terminals draw these marks one column wide.
      const lines = text.replace(/[✔✖]/g, 'x').split('\n');
      expect(lines.filter((line) => stringWidth(line) > Math.min(columns, 100))).toEqual([]);
      expect(/[^\P{C}\n]/u.exec(text)).toBeNull();
    }
  });
});

describe('sectionsOf', () => {
  it('puts every finding in exactly one place', () => {
    const { troubles, fine, notApplicable } = sectionsOf(blockedRun, sampleFacts);
    const placed = [
      ...troubles.flatMap(({ items }) => items.flatMap(({ rule, explains }) => [rule, ...explains.map((one) => one.rule)])),
      ...[...fine, ...notApplicable].map(({ rule }) => rule),
    ];
    expect(placed.sort()).toEqual(blockedRun.findings.map(({ rule }) => rule).sort());
  });

  it('shows a bad finding that the verdict does not name', () => {
    const verdict = Verdict.parse({ ...blockedRun.verdict, causes: [] });
    const { troubles } = sectionsOf({ ...blockedRun, verdict }, sampleFacts);
    expect(troubles.map(({ kind, items }) => [kind, items.length])).toEqual([['note', 5]]);
  });

  it('puts a noted root that explains a block among what blocks', () => {
    const [cause] = blockedRun.verdict.causes;
    const explains = [RuleId.parse('tls.interception')];
    const verdict = Verdict.parse({ ...blockedRun.verdict, causes: [{ ...cause, enforcement: 'note', explains }] });
    expect(sectionsOf({ ...blockedRun, verdict }, sampleFacts).troubles[0]).toMatchObject({
      kind: 'block',
      items: [{ rule: 'network.turn-udp' }],
    });
  });
});
