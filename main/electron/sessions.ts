import { type HIDDevice, type Session, session, type WebContents } from 'electron';
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
  target.setPermissionRequestHandler((contents, permission, answer, details) => {
    const media = 'mediaTypes' in details ? (details.mediaTypes ?? []) : [];
    const from = ('securityOrigin' in details ? details.securityOrigin : undefined) ?? details.requestingUrl;
    const ask = { permission, from, embeddedIn: contents.getURL(), isMainFrame: details.isMainFrame, media };
    answer(rules.mayHave(kindOf(contents), ask));
  });
  target.setPermissionCheckHandler((contents, permission, from, { mediaType, isMainFrame, embeddingOrigin }) => {
    const media = mediaType === undefined || mediaType === 'unknown' ? [] : [mediaType];
    const embeddedIn = contents?.getURL() ?? embeddingOrigin ?? null;
    return rules.mayHave(kindOf(contents), { permission, from, embeddedIn, isMainFrame, media });
  });
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
