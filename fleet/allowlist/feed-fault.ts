import type { FeedFaultCode } from '../../contracts/console/allowlist.ts';

/** Why a look at the feed gave nothing that is used. */
export class FeedFault extends Error {
  override readonly name = 'FeedFault';
  readonly code: FeedFaultCode;

  constructor(code: FeedFaultCode, detail: string) {
    super(detail.slice(0, 300));
    this.code = code;
  }
}
