import { Allowlist, type PrefixSet } from '../../contracts/allowlist.ts';
import { MAX_BODY_LENGTH } from '../../contracts/signed-document.ts';
import { contentHash } from '../documents/content-hash.ts';
import { relevantRegions, relevantSets } from './changes.ts';
import type { Ranges } from './ip-ranges.ts';
import { foldPrefixes, readPrefix, writePrefix } from './prefix.ts';

/**
 * Every address of Amazon's: by the file's own `AMAZON`, and by what is still believed of the services inside it, so that a
 * prefix that AWS has just taken out of the file is nobody else's yet.
 */
export function amazonSets(sets: Ranges['sets']): PrefixSet[] {
  const all = Object.values(sets).flatMap((list) => list.flatMap((set) => [...set.v4, ...set.v6]));
  const folded = foldPrefixes(all.flatMap((text) => readPrefix(text) ?? []));
  const of = (family: 4 | 6) => folded.filter((prefix) => prefix.family === family).map(writePrefix);
  return [{ region: '*', v4: of(4), v6: of(6) }];
}

export interface ContentInput {
  settled: Ranges;
  /** Of `amazonSets`: the same for every instance. */
  amazon: readonly PrefixSet[];
  region: string;
  /** The list that ships with this version: rows, Regions and roots are ours to keep, and no feed tells them. */
  shipped: Allowlist;
  revision: number;
  now: Date;
}

/** The body of an instance's allowlist: of services that a firewall needs by Region, the instance's own Regions alone. */
export function makeContent({ settled, amazon, region, shipped, revision, now }: ContentInput): Allowlist {
  const { EC2, S3, CHIME_MEETINGS } = relevantSets(settled.sets, relevantRegions(region, shipped));
  const kept = {
    AMAZON: amazon,
    AMAZON_CONNECT: settled.sets.AMAZON_CONNECT,
    CHIME_MEETINGS,
    CLOUDFRONT: settled.sets.CLOUDFRONT,
    EC2,
    S3,
  };
  const body = Allowlist.parse({
    ...shipped,
    revision,
    createdAt: now.toISOString(),
    ipRanges: { syncToken: settled.syncToken, createDate: settled.createDate },
    prefixes: Object.fromEntries(Object.entries(kept).filter(([, sets]) => sets !== undefined)),
  });
  const { length } = JSON.stringify(body);
  if (length > MAX_BODY_LENGTH) throw new RangeError(`an allowlist of ${length} characters; a desk takes ${MAX_BODY_LENGTH}`);
  return body;
}

/** Of what somebody has to approve: not of the times, and not of `AMAZON`, which changes every few hours. */
export function substanceHash({ rows, regions, resiliencyPairs, roots, prefixes }: Allowlist): Buffer {
  const { AMAZON: _, ...services } = prefixes;
  return contentHash({ rows, regions, resiliencyPairs, roots, prefixes: services });
}
