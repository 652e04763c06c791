import type { Tx } from '../db/tenancy.ts';
import type { KeyOwner } from './place.ts';

// A record of each call to the key provider, in the shape of CloudTrail, so that it can be laid beside the provider's own.

type EventName =
  | 'CreateKey'
  | 'CreateGrant'
  | 'DescribeKey'
  | 'GenerateDataKey'
  | 'GenerateDataKeyWithoutPlaintext'
  | 'Decrypt'
  | 'ReEncrypt'
  | 'RetireGrant';

/** On whose behalf: the server itself, or the administrator who set a key. */
export interface KeyCaller {
  type: 'Service' | 'AssumedRole';
  principal: string;
  mfaAuthenticated?: boolean;
  sourceIp: string;
  userAgent: string;
  /** Of the call to this server that led here. */
  requestId?: string;
}

export const SERVICE: KeyCaller = {
  type: 'Service',
  principal: 'deskwarden-fleet',
  sourceIp: 'deskwarden-fleet',
  userAgent: 'deskwarden-fleet',
};

export interface KeyUse {
  eventVersion: '1.0';
  eventId: string;
  requestId: string;
  eventTime: string;
  eventSource: 'kms';
  eventName: EventName;
  region: string;
  tenantId: string;
  instanceId: string;
  userIdentity: { type: KeyCaller['type']; principal: string; mfaAuthenticated?: boolean; invokedBy: 'deskwarden' };
  sourceIp: string;
  userAgent: string;
  requestParameters: Readonly<Record<string, unknown>>;
  responseElements: { grantId: string } | null;
  resources: readonly { type: 'AWS::KMS::Key'; arn: string }[];
  readOnly: boolean;
  errorCode?: string;
  errorMessage?: string;
  eventCategory: 'Management';
}

/** What a call is, before anybody knows how it ends. */
export interface KeyEvent {
  eventName: EventName;
  requestParameters: Readonly<Record<string, unknown>>;
  keys: readonly string[];
}

const changing: ReadonlySet<EventName> = new Set(['CreateKey', 'CreateGrant', 'RetireGrant']);

export interface KeyUseFacts {
  id: string;
  at: Date;
  owner: KeyOwner;
  region: string;
  by: KeyCaller;
  ended: { grantId?: string } | { errorCode: string; errorMessage: string };
}

export function keyUse({ eventName, requestParameters, keys }: KeyEvent, { id, at, owner, region, by, ended }: KeyUseFacts): KeyUse {
  return {
    eventVersion: '1.0',
    eventId: id,
    requestId: by.requestId ?? id,
    eventTime: `${at.toISOString().slice(0, 19)}Z`,
    eventSource: 'kms',
    eventName,
    region,
    tenantId: owner.tenant,
    instanceId: owner.instance,
    userIdentity: {
      type: by.type,
      principal: by.principal,
      ...(by.mfaAuthenticated === undefined ? {} : { mfaAuthenticated: by.mfaAuthenticated }),
      invokedBy: 'deskwarden',
    },
    sourceIp: by.sourceIp,
    userAgent: by.userAgent,
    requestParameters,
    responseElements: 'grantId' in ended && ended.grantId ? { grantId: ended.grantId } : null,
    resources: keys.map((arn) => ({ type: 'AWS::KMS::Key', arn })),
    readOnly: !changing.has(eventName),
    ...('errorCode' in ended ? ended : {}),
    eventCategory: 'Management',
  };
}

export async function writeKeyUse(tx: Tx, use: KeyUse): Promise<void> {
  await tx
    .insertInto('key_use')
    .values({ tenant_id: use.tenantId, instance_id: use.instanceId, id: use.eventId, at: use.eventTime, record: JSON.stringify(use) })
    .execute();
}
