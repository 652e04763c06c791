import type { CcpPermissionAsk } from '../ccp/ccp-rules.ts';

/** As Electron tells of them: which of these are there depends on the permission. */
interface RequestDetails {
  isMainFrame: boolean;
  requestingUrl: string;
  securityOrigin?: string;
  mediaTypes?: readonly string[];
}

interface CheckDetails {
  isMainFrame: boolean;
  mediaType?: string;
  embeddingOrigin?: string;
}

/** Of a page that waits for the answer. */
export function requestAsk(permission: string, embeddedIn: string, details: RequestDetails): CcpPermissionAsk {
  const { isMainFrame, requestingUrl, securityOrigin, mediaTypes } = details;
  return { permission, from: securityOrigin ?? requestingUrl, embeddedIn, isMainFrame, media: mediaTypes ?? [] };
}

/** Of Chromium itself, which may not say in which window. */
export function checkAsk(permission: string, from: string, embeddedIn: string | null, details: CheckDetails): CcpPermissionAsk {
  const { isMainFrame, mediaType, embeddingOrigin } = details;
  const media = mediaType === undefined || mediaType === 'unknown' ? [] : [mediaType];
  return { permission, from, embeddedIn: embeddedIn ?? embeddingOrigin ?? null, isMainFrame, media };
}
