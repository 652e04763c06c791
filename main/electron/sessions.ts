import { type HIDDevice, type Session, session, type WebContents } from 'electron';
import { checkAsk, requestAsk } from '../windows/permission-asks.ts';
import { chooseHidDevice, denyingSession, type SessionRules } from '../windows/window-rules.ts';
import type { WindowKind } from '../windows/window-spec.ts';

/** Sign-ins last as long as in a browser. */
export function ccpSession(): Session {
  return session.fromPartition('persist:ccp');
}

/** For every session, also one that nobody of us made. */
export function denyAll(target: Session): void {
  guardSession(target, denyingSession, () => null);
}

export function guardSession(target: Session, rules: SessionRules, kindOf: (contents: WebContents | null) => WindowKind | null): void {
  target.setPermissionRequestHandler((contents, permission, answer, details) =>
    answer(rules.mayHave(kindOf(contents), requestAsk(permission, contents.getURL(), details))),
  );
  target.setPermissionCheckHandler((contents, permission, from, details) =>
    rules.mayHave(kindOf(contents), checkAsk(permission, from, contents?.getURL() ?? null, details)),
  );
  target.setDevicePermissionHandler(({ deviceType, origin, device }) =>
    rules.mayHaveDevice({ deviceType, origin, usagePages: 'collections' in device ? usagePagesOf(device) : [] }),
  );
  // Of the rules before these.
  target.removeAllListeners('select-hid-device');
  target.on('select-hid-device', (event, { deviceList, frame }, answer) => {
    event.preventDefault();
    const devices = deviceList.map((device) => ({ deviceId: device.deviceId, usagePages: usagePagesOf(device) }));
    answer(chooseHidDevice(rules, frame?.origin ?? null, devices));
  });
  target.webRequest.onBeforeRequest((ask, answer) => answer({ cancel: !rules.mayRequest(ask) }));
}

function usagePagesOf({ collections }: HIDDevice): number[] {
  return collections.map(({ usagePage }) => usagePage);
}
