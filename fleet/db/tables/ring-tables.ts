import type { DefaultJson, Instant } from './column-types.ts';

export interface RingTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  name: string;
  tags: DefaultJson;
  created_at: Instant;
}

export interface RingMemberTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  ring_id: string;
  device_id: string;
}

export interface NoticeTable {
  tenant_id: string;
  instance_id: string;
  id: string;
  device_id: string;
  ring_id: string;
  ring_name: string;
  made_by: string | null;
  at: Instant;
}

export interface NoticeReadTable {
  tenant_id: string;
  instance_id: string;
  notice_id: string;
  account_id: string;
  at: Instant;
}
