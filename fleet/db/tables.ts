import type {
  AccountProfileTable,
  AccountTable,
  HierarchyGroupTable,
  SecurityProfileTable,
  SessionTable,
  SignInAttemptTable,
  SignInLinkTable,
} from './tables/access-tables.ts';
import type { AuditHeadTable, AuditRecordTable, AuditTargetTable, JobRunTable } from './tables/audit-tables.ts';
import type { DenyEntryTable, DeviceCertificateTable, DeviceTable, TicketTable } from './tables/desk-tables.ts';
import type {
  AllowlistFeedTable,
  AllowlistRevisionTable,
  GroupReleaseTable,
  PolicyAssignmentTable,
  PolicyPreviewDeskTable,
  PolicyPreviewTable,
  PolicyRevisionTable,
  SignedDocumentTable,
  UnsignedDocumentTable,
  WaiverTable,
} from './tables/document-tables.ts';
import type { AuthorityTable, DataKeyTable, InstanceEncryptionTable, KeyUseTable, SigningKeyTable } from './tables/key-tables.ts';
import type {
  DeskDayTable,
  DeskEpochTable,
  DeskHeartbeatTable,
  DeskStateTable,
  DeskVerdictTable,
  FindingChangeTable,
  FindingTable,
  ReleaseRecordTable,
  SealedFieldsTable,
  StandingChangeTable,
} from './tables/report-tables.ts';
import type { NoticeReadTable, NoticeTable, RingMemberTable, RingTable } from './tables/ring-tables.ts';
import type { InstanceTable, RevisionCounterTable, TenantSettingsTable, TenantTable } from './tables/tenant-tables.ts';

// Types of the SQL in migrations/, by hand; test/fleet/db/tables.test.ts compares them with a migrated database.
// A bigint is read as a number: all of ours count (revisions, sequence numbers), and fleet/db/pool.ts refuses to round one.

export interface Tables {
  tenant: TenantTable;
  tenant_settings: TenantSettingsTable;
  instance: InstanceTable;
  revision_counter: RevisionCounterTable;
  data_key: DataKeyTable;
  instance_encryption: InstanceEncryptionTable;
  key_use: KeyUseTable;
  authority: AuthorityTable;
  signing_key: SigningKeyTable;
  hierarchy_group: HierarchyGroupTable;
  security_profile: SecurityProfileTable;
  account: AccountTable;
  account_profile: AccountProfileTable;
  session: SessionTable;
  sign_in_link: SignInLinkTable;
  sign_in_attempt: SignInAttemptTable;
  ticket: TicketTable;
  device: DeviceTable;
  device_certificate: DeviceCertificateTable;
  deny_entry: DenyEntryTable;
  ring: RingTable;
  ring_member: RingMemberTable;
  notice: NoticeTable;
  notice_read: NoticeReadTable;
  desk_state: DeskStateTable;
  desk_verdict: DeskVerdictTable;
  desk_heartbeat: DeskHeartbeatTable;
  desk_epoch: DeskEpochTable;
  finding: FindingTable;
  finding_change: FindingChangeTable;
  standing_change: StandingChangeTable;
  release_record: ReleaseRecordTable;
  sealed_fields: SealedFieldsTable;
  desk_day: DeskDayTable;
  policy_revision: PolicyRevisionTable;
  policy_assignment: PolicyAssignmentTable;
  signed_document: SignedDocumentTable;
  unsigned_document: UnsignedDocumentTable;
  waiver: WaiverTable;
  group_release: GroupReleaseTable;
  allowlist_revision: AllowlistRevisionTable;
  allowlist_feed: AllowlistFeedTable;
  policy_preview: PolicyPreviewTable;
  policy_preview_desk: PolicyPreviewDeskTable;
  audit_head: AuditHeadTable;
  audit_record: AuditRecordTable;
  audit_target: AuditTargetTable;
  job_run: JobRunTable;
}
