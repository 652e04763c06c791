-- Every row carries its tenant and its Connect instance. The instance of what belongs to the whole tenant, and the tenant of
-- what belongs to the whole deployment (its CA, its signing keys, calls that nobody can be named for), is the nil UUID.

create function current_tenant() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('deskwarden.tenant', true), '')::uuid $$;
create function current_instance() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('deskwarden.instance', true), '')::uuid $$;
-- SHA-256 of a secret that the caller showed: finds the row of that secret before its tenant is known, and no other.
create function presented_hash() returns bytea language sql stable parallel safe
  as $$ select decode(nullif(current_setting('deskwarden.presented', true), ''), 'hex') $$;

-- The directory: ids and slugs alone, and the one table that is read without a tenant.
create table tenant (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
  created_at timestamptz not null default now()
);

create table tenant_settings (
  tenant_id uuid primary key references tenant,
  instance_id uuid not null default '00000000-0000-0000-0000-000000000000',
  name text not null,
  region text not null,
  -- Days by stream; chosen when the tenant is made.
  retention jsonb not null,
  guardrails jsonb not null default '[]',
  max_granular_profiles smallint not null default 2 check (max_granular_profiles between 1 and 3),
  -- strict: a profile with a warning is refused.
  profile_lint text not null default 'warn' check (profile_lint in ('warn', 'strict')),
  -- A policy is published by somebody other than who wrote it.
  publish_two_person boolean not null default false,
  default_approval text not null default 'manual' check (default_approval in ('automatic', 'manual')),
  -- Whether a new allowlist waits for somebody to approve it.
  allowlist_approval text not null default 'manual' check (allowlist_approval in ('automatic', 'manual'))
);

create table instance (
  tenant_id uuid not null references tenant,
  instance_id uuid not null,
  alias text not null,
  region text not null,
  -- Public keys of the tenant (JWK), to which desks seal restricted fields, with when each was added and retired.
  sealing_keys jsonb not null default '[]',
  -- When policies were last assigned otherwise: previews of before count other desks.
  assigned_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, instance_id),
  unique (tenant_id, alias, region)
);

-- Counts up the revisions of what desks obey, of one kind in one instance.
create table revision_counter (
  tenant_id uuid not null, instance_id uuid not null,
  kind text not null check (kind in ('policy', 'allowlist', 'waivers', 'sealing', 'keys')),
  last bigint not null,
  primary key (tenant_id, instance_id, kind)
);

-- Keys -----------------------------------------------------------------------------------------------------------------

create table data_key (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  -- A key belongs to one instance and one class of data. 'index' is the instance's blind index key, of which there is one for ever.
  data_class text not null check (data_class in ('identity', 'evidence', 'secrets', 'audit', 'index')),
  wrapped bytea not null,
  wrapped_by text not null,
  -- How many values may have been sealed under it: counted ahead, by what one unwrapping allows.
  uses bigint not null default 0,
  created_at timestamptz not null,
  -- Since when nothing new is sealed under it.
  retired_at timestamptz,
  primary key (tenant_id, id)
);
create index data_key_current on data_key (tenant_id, instance_id, data_class, created_at desc) where retired_at is null;
create unique index data_key_of_index on data_key (tenant_id, instance_id) where data_class = 'index';

-- Which key wraps an instance's data keys, whether it can be used, and how a change of it goes.
create table instance_encryption (
  tenant_id uuid not null, instance_id uuid not null,
  key_id text not null,
  -- Customers rotate theirs themselves.
  managed_by text not null check (managed_by in ('provider', 'customer')),
  key_since timestamptz not null,
  previous_key_id text,
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'KEY_UNAVAILABLE', 'KEY_LOST')),
  update_status text not null default 'NONE' check (update_status in ('NONE', 'IN_PROGRESS', 'COMPLETED', 'FAILED')),
  message text,
  -- Of a customer's keys: [{ grantId, keyId, createdBy, createdAt }].
  grants jsonb not null default '[]',
  primary key (tenant_id, instance_id)
);

create table key_use (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  record jsonb not null,
  primary key (tenant_id, id)
);
create index key_use_by_time on key_use (tenant_id, at);

-- The deployment's CA, its TLS certificate and its signing keys, of the nil tenant.
create table authority (
  tenant_id uuid primary key, instance_id uuid not null,
  certificate text not null,
  key_sealed bytea not null,
  created_at timestamptz not null
);
create table signing_key (
  tenant_id uuid not null, instance_id uuid not null,
  kid text not null,
  public_x text not null,
  -- Null: kept offline.
  private_sealed bytea,
  ordinal int not null,
  created_at timestamptz not null,
  retired_at timestamptz,
  primary key (tenant_id, kid),
  unique (tenant_id, ordinal)
);

-- Access ---------------------------------------------------------------------------------------------------------------

create table hierarchy_group (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  parent_id uuid,
  level smallint not null check (level between 1 and 5),
  name text not null check (length(name) between 1 and 100),
  -- From the root to itself.
  path uuid[] not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, parent_id) references hierarchy_group,
  unique nulls not distinct (tenant_id, parent_id, name),
  check ((level = 1) = (parent_id is null)),
  check (cardinality(path) = level and path[level] = id)
);

create table security_profile (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  name text not null,
  is_default boolean not null default false,
  permissions text[] not null default '{}',
  access_control jsonb,
  tags jsonb not null default '{}',
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, name)
);

create table account (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('local', 'oidc', 'service')),
  name_sealed bytea not null,
  name_index bytea not null,
  -- scrypt, as PHC string.
  password text,
  -- Waits for its first code while totp_step is null.
  totp_sealed bytea,
  -- Last TOTP step that was used.
  totp_step bigint,
  -- Of issuer and subject, from the first sign-in there on.
  subject_index bytea,
  -- Made by a sign-in: no sign-in gives it more than the Agent profile.
  made_by_sign_in boolean not null default false,
  group_id uuid,
  tags jsonb not null default '{}',
  -- Of a service: the groups that what it reaches must have at each level.
  conditions jsonb not null default '{}',
  created_at timestamptz not null,
  disabled_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, name_index),
  unique (tenant_id, subject_index),
  foreign key (tenant_id, group_id) references hierarchy_group
);
create table account_profile (
  tenant_id uuid not null, instance_id uuid not null,
  account_id uuid not null,
  profile_id uuid not null,
  primary key (tenant_id, account_id, profile_id),
  foreign key (tenant_id, account_id) references account on delete cascade,
  foreign key (tenant_id, profile_id) references security_profile
);
create index account_profile_of_profile on account_profile (tenant_id, profile_id);

create table session (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  account_id uuid not null,
  token_hash bytea not null unique,
  -- What of the second factor was proven, and when.
  mfa jsonb,
  -- Why somebody used a break-glass account; null: is none.
  reason_sealed bytea,
  created_at timestamptz not null,
  used_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, account_id) references account on delete cascade
);
create index session_of_account on session (tenant_id, account_id) where ended_at is null;

create table sign_in_link (
  tenant_id uuid not null, instance_id uuid not null,
  token_hash bytea not null unique,
  account_id uuid not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, token_hash),
  foreign key (tenant_id, account_id) references account on delete cascade
);

-- A sign-in that is under way at the tenant's identity provider, by the hash of the cookie that only its browser has.
create table sign_in_attempt (
  tenant_id uuid not null, instance_id uuid not null,
  token_hash bytea not null unique,
  state text not null,
  nonce text not null,
  code_verifier text not null,
  return_path text not null,
  fresh boolean not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  primary key (tenant_id, token_hash)
);

-- Desks ----------------------------------------------------------------------------------------------------------------

create table ticket (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  secret_hash bytea not null unique,
  max_uses int not null check (max_uses between 1 and 100000),
  used int not null default 0,
  expires_at timestamptz not null,
  cidrs cidr[] not null default '{}',
  group_id uuid,
  tags jsonb not null default '{}',
  approval text not null check (approval in ('automatic', 'manual')),
  created_by text not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, instance_id) references instance
);

create table device (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  -- pending: waits for a person or a rule; declined: was refused.
  status text not null check (status in ('pending', 'enrolled', 'declined', 'revoked', 'retired')),
  ticket_id uuid,
  -- SHA-256 of the SubjectPublicKeyInfo.
  spki_hash bytea not null,
  host_name_sealed bytea not null,
  host_name_index bytea not null,
  platform text not null check (platform in ('win32', 'darwin', 'linux')),
  owner_id uuid,
  -- Of a shared desk; with an owner, the owner's group counts.
  group_id uuid,
  tags jsonb not null default '{}',
  release_secret_sealed bytea,
  enrolled_at timestamptz,
  -- The same key came by another ticket, or from a computer of another name: perhaps a clone.
  key_reused_at timestamptz,
  created_at timestamptz not null,
  status_changed_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, spki_hash),
  foreign key (tenant_id, instance_id) references instance,
  foreign key (tenant_id, owner_id) references account,
  foreign key (tenant_id, group_id) references hierarchy_group
);
create index device_by_host on device (tenant_id, host_name_index);
create index device_by_owner on device (tenant_id, owner_id) where owner_id is not null;
create index device_by_group on device (tenant_id, group_id);

create table device_certificate (
  tenant_id uuid not null, instance_id uuid not null,
  serial text not null,
  device_id uuid not null,
  not_before timestamptz not null,
  not_after timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, serial),
  foreign key (tenant_id, device_id) references device on delete cascade
);
create index device_certificate_of on device_certificate (tenant_id, device_id);

-- Rollout rings: desks by name, whatever group they are in. A ring is the whole tenant's, a member is of its desk's instance.
create table ring (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  name text not null check (length(name) between 1 and 100),
  tags jsonb not null default '{}',
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, name)
);
create table ring_member (
  tenant_id uuid not null, instance_id uuid not null,
  -- All that is shown of a member to whoever does not see its desk.
  id uuid not null,
  ring_id uuid not null,
  device_id uuid not null,
  primary key (tenant_id, id),
  unique (tenant_id, ring_id, device_id),
  foreign key (tenant_id, ring_id) references ring on delete cascade,
  foreign key (tenant_id, device_id) references device on delete cascade
);
create index ring_member_of_device on ring_member (tenant_id, device_id);

-- What happened to a desk by somebody who may not even see it: for everybody who sees the desk when they read it.
create table notice (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  device_id uuid not null,
  ring_id uuid not null,
  -- As it was: the ring may be gone.
  ring_name text not null,
  -- Null: the command line on the server.
  made_by uuid,
  at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, device_id) references device on delete cascade
);
create index notice_by_time on notice (tenant_id, at, id);
create index notice_of_device on notice (tenant_id, device_id);
create table notice_read (
  tenant_id uuid not null, instance_id uuid not null,
  notice_id uuid not null,
  account_id uuid not null,
  at timestamptz not null,
  primary key (tenant_id, notice_id, account_id),
  foreign key (tenant_id, notice_id) references notice on delete cascade,
  foreign key (tenant_id, account_id) references account on delete cascade
);

-- Abuse: who is kept out for a while, by source address, device or account.
create table deny_entry (
  tenant_id uuid not null, instance_id uuid not null,
  kind text not null check (kind in ('address', 'device', 'account')),
  subject text not null,
  because text not null,
  at timestamptz not null,
  until timestamptz not null,
  primary key (tenant_id, kind, subject)
);

-- What desks say -------------------------------------------------------------------------------------------------------

-- One row a desk, of what is so now. Written with every report and heartbeat, hence narrow, with room for updates in place, and
-- without an index on what each of them changes.
create table desk_state (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  agent_version text not null,
  -- Null: enrolled, and never heard of.
  heard_at timestamptz,
  -- By the desk's own clock, when it last said its standing: reports out of a full outbox tell of earlier times.
  said_at timestamptz,
  reported_at timestamptz,
  -- Digest of all findings without their times: an unchanged report stops here. And that of the verdict and the gate.
  findings_digest bytea,
  verdict_digest bytea,
  standing text not null check (standing in ('clear', 'caution', 'blocked', 'undetermined')),
  severity smallint not null generated always as (
    case standing when 'blocked' then 0 when 'undetermined' then 1 when 'caution' then 2 else 3 end) stored,
  standing_since timestamptz not null,
  blocks_at timestamptz,
  gate_state text not null,
  -- Rules of the verdict's causes, when it is not clear.
  causes text[] not null default '{}',
  -- Of the last report; what stands above may come from a later heartbeat.
  reported_standing text,
  reported_gate text,
  epoch uuid,
  -- Two computers with one identity seem to take turns.
  duplicate_suspected_at timestamptz,
  want_full boolean not null default true,
  primary key (tenant_id, device_id),
  foreign key (tenant_id, device_id) references device on delete cascade
) with (fillfactor = 70);
create index desk_state_by_severity on desk_state (tenant_id, severity, standing_since, device_id);

-- Every enrolled desk has its state, so that one that never called is seen too.
create function begin_desk_state() returns trigger language plpgsql as $$
begin
  insert into desk_state (tenant_id, instance_id, device_id, agent_version, standing, standing_since, gate_state)
  values (new.tenant_id, new.instance_id, new.id, '', 'undetermined', new.status_changed_at, 'open')
  on conflict do nothing;
  return new;
end $$;
create trigger device_begins after insert or update of status on device
  for each row when (new.status = 'enrolled') execute function begin_desk_state();

-- What a desk last reported of its verdict and gate. Written when they change.
create table desk_verdict (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  verdict jsonb not null,
  gate jsonb not null,
  allowlist jsonb not null,
  platform text not null,
  made_at timestamptz not null,
  primary key (tenant_id, device_id),
  foreign key (tenant_id, device_id) references device on delete cascade
) with (fillfactor = 70);

-- A desk's last heartbeat.
create table desk_heartbeat (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  gate jsonb not null,
  -- Revisions of what it obeys.
  held jsonb not null,
  health jsonb not null,
  -- Documents that it would not take.
  refused jsonb not null,
  primary key (tenant_id, device_id),
  foreign key (tenant_id, device_id) references device on delete cascade
) with (fillfactor = 70);

-- Where a desk's numbers stand, by epoch.
create table desk_epoch (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  epoch uuid not null,
  seq bigint not null,
  -- Ids of the last reports, newest first: the same one again counts once.
  recent uuid[] not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  primary key (tenant_id, device_id, epoch),
  foreign key (tenant_id, device_id) references device on delete cascade
) with (fillfactor = 70);

create table finding (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  rule text not null,
  check_id text not null,
  revision int not null,
  venue text not null,
  vantage text not null,
  kind text not null check (kind in ('pass', 'degraded', 'fail', 'unknown', 'not-applicable')),
  -- Reason, blind cause, or why it does not apply.
  code text,
  -- Outcome's args or detail, and the evidence.
  detail_sealed bytea not null,
  digest bytea not null,
  partial boolean not null,
  -- False: a check that this fleet does not know.
  judged boolean not null,
  observed_at timestamptz not null,
  since timestamptz not null,
  last_pass_at timestamptz,
  primary key (tenant_id, device_id, rule),
  foreign key (tenant_id, device_id) references device on delete cascade
) with (fillfactor = 85);
create index finding_bad on finding (tenant_id, rule, device_id) where kind in ('fail', 'degraded', 'unknown');

-- History: a row for each change, none for what stayed the same. Partitions by month are made and dropped by the retention job.
create table finding_change (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  device_id uuid not null,
  rule text not null,
  check_id text not null,
  kind text not null,
  code text,
  detail_sealed bytea not null,
  observed_at timestamptz not null,
  received_at timestamptz not null,
  group_id uuid,
  report_id uuid not null,
  primary key (tenant_id, id, received_at)
) partition by range (received_at);
create table finding_change_rest partition of finding_change default;
create index finding_change_of_desk on finding_change (tenant_id, device_id, received_at desc);

create table standing_change (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  device_id uuid not null,
  standing text not null,
  -- Until then. What came before the first line that is kept stands nowhere else. Null: nobody knows.
  was text,
  gate_state text not null,
  -- Rules of the verdict's causes.
  causes jsonb not null,
  at timestamptz not null,
  received_at timestamptz not null,
  group_id uuid,
  primary key (tenant_id, id, received_at)
) partition by range (received_at);
create table standing_change_rest partition of standing_change default;
create index standing_change_of_desk on standing_change (tenant_id, device_id, at desc);

create table release_record (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  device_id uuid not null,
  released_by text not null,
  uid bigint not null,
  from_at timestamptz not null,
  until_at timestamptz not null,
  received_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, device_id) references device on delete cascade
);

-- Fields that desks sealed to the tenant's key: stored, never read here.
create table sealed_fields (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  -- The last that were taken; null: none ever.
  jwe text,
  received_at timestamptz,
  -- What came since was sealed to no key of now.
  refused_at timestamptz,
  primary key (tenant_id, device_id),
  foreign key (tenant_id, device_id) references device on delete cascade
);

create table desk_day (
  tenant_id uuid not null, instance_id uuid not null,
  device_id uuid not null,
  day date not null,
  clear_sec int not null,
  caution_sec int not null,
  blocked_sec int not null,
  undetermined_sec int not null,
  changes int not null,
  primary key (tenant_id, device_id, day),
  foreign key (tenant_id, device_id) references device on delete cascade
);

-- What desks obey ------------------------------------------------------------------------------------------------------

create table policy_revision (
  tenant_id uuid not null, instance_id uuid not null,
  policy_id text not null,
  revision int not null,
  -- As it was written; and every rule written out.
  source text not null,
  resolved jsonb not null,
  -- SHA-256 of the resolved policy without its revision.
  content_hash bytea not null,
  -- Null: the command line on the server.
  created_by uuid,
  created_at timestamptz not null,
  published_by uuid,
  published_at timestamptz,
  -- The number of desks that the publisher accepted would newly be blocked.
  accepted_blocks int,
  primary key (tenant_id, instance_id, policy_id, revision)
);
create table policy_assignment (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  policy_id text not null,
  -- Both null: every desk of the instance.
  group_id uuid,
  tag_key text,
  tag_value text,
  -- The highest wins.
  priority int not null,
  primary key (tenant_id, id),
  unique (tenant_id, instance_id, priority),
  foreign key (tenant_id, group_id) references hierarchy_group
);

create table signed_document (
  tenant_id uuid not null, instance_id uuid not null,
  kind text not null,
  revision bigint not null,
  -- Whom it is for: a policy's id, the digest of a set of waivers, a new signing key's id, or empty for every desk of the instance.
  audience text not null,
  content_hash bytea not null,
  -- Without its body where that is sealed: reasons of waivers are confidential.
  envelope jsonb not null,
  body_sealed bytea,
  issued_at timestamptz not null,
  primary key (tenant_id, instance_id, kind, revision)
);
-- Documents whose signing key is kept offline: they have their revision, and wait for somebody to sign them.
create table unsigned_document (
  tenant_id uuid not null, instance_id uuid not null,
  kind text not null,
  revision bigint not null,
  audience text not null,
  content_hash bytea not null,
  kid text not null,
  envelope jsonb not null,
  body_sealed bytea,
  asked_at timestamptz not null,
  primary key (tenant_id, instance_id, kind, revision)
);
create index signed_document_latest on signed_document (tenant_id, instance_id, kind, audience, revision desc);

create table waiver (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  device_id uuid,
  group_id uuid,
  rule text not null,
  reason_sealed bytea not null,
  requested_by uuid,
  requested_at timestamptz not null,
  approved_by uuid,
  approved_at timestamptz,
  until timestamptz not null,
  ended_at timestamptz,
  ended_by uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, device_id) references device on delete cascade,
  foreign key (tenant_id, group_id) references hierarchy_group,
  check ((device_id is null) <> (group_id is null)),
  check (approved_by is null or approved_by is distinct from requested_by)
);
-- Read with every heartbeat.
create index waiver_active on waiver (tenant_id, instance_id, until) where approved_at is not null and ended_at is null;
create index waiver_of_device on waiver (tenant_id, device_id) where device_id is not null;

-- A release of a whole group for a day on which the policy was wrong: acts as waivers of every rule, and needs two people.
create table group_release (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  group_id uuid not null,
  reason_sealed bytea not null,
  until timestamptz not null,
  requested_by uuid not null,
  requested_at timestamptz not null,
  approved_by uuid,
  approved_at timestamptz,
  ended_at timestamptz,
  ended_by uuid,
  primary key (tenant_id, id),
  foreign key (tenant_id, group_id) references hierarchy_group,
  check (approved_by is null or approved_by <> requested_by)
);

create table allowlist_revision (
  tenant_id uuid not null, instance_id uuid not null,
  revision int not null,
  body jsonb not null,
  content_hash bytea not null,
  sync_token text not null,
  -- Against the revision before: what came and went of the services that matter.
  diff jsonb not null,
  status text not null check (status in ('seen', 'published', 'superseded')),
  seen_at timestamptz not null,
  due_at timestamptz,
  published_at timestamptz,
  published_by uuid,
  primary key (tenant_id, instance_id, revision)
);

-- The deployment's one look at AWS's ip-ranges.json, of the nil tenant: what is believed of it, and what waits to be.
create table allowlist_feed (
  tenant_id uuid primary key, instance_id uuid not null,
  state jsonb,
  etag text,
  checked_at timestamptz,
  -- The last look that was of use.
  used_at timestamptz,
  fault jsonb,
  -- The replica that looks has until then.
  claimed_until timestamptz
);

-- What a draft would do to the desks that it reaches. The number of `newlyBlocked` is what its publisher accepts.
create table policy_preview (
  tenant_id uuid not null, instance_id uuid not null,
  id uuid not null,
  policy_id text not null,
  -- Of the draft, as in policy_revision.
  content_hash bytea not null,
  status text not null check (status in ('running', 'done', 'failed')),
  -- False: some desks that the draft reaches are not for its maker to see, and are in no number here.
  complete boolean not null,
  summary jsonb not null,
  -- Null: the command line on the server.
  made_by uuid,
  made_at timestamptz not null,
  primary key (tenant_id, id)
);
create index policy_preview_by_time on policy_preview (tenant_id, made_at);
-- Desks whose standing would be another.
create table policy_preview_desk (
  tenant_id uuid not null, instance_id uuid not null,
  preview_id uuid not null,
  device_id uuid not null,
  before text not null,
  after text not null,
  -- Rules that decide it with their outcome, and those that nobody could judge.
  why jsonb not null,
  primary key (tenant_id, preview_id, device_id),
  foreign key (tenant_id, preview_id) references policy_preview on delete cascade,
  foreign key (tenant_id, device_id) references device on delete cascade
);

-- Audit ----------------------------------------------------------------------------------------------------------------

create table audit_head (
  tenant_id uuid primary key, instance_id uuid not null default '00000000-0000-0000-0000-000000000000',
  seq bigint not null,
  hash bytea not null,
  -- The last record that retention removed: the chain is verified from here on.
  anchor_seq bigint not null default 0,
  anchor_hash bytea not null
);
create table audit_record (
  tenant_id uuid not null, instance_id uuid not null,
  seq bigint not null,
  at timestamptz not null,
  -- To search by; verification compares them with the record.
  actor text not null,
  action text not null,
  -- JSON, byte for byte as it was hashed.
  record text not null,
  -- Source address and user agent.
  source_sealed bytea,
  hash bytea not null,
  primary key (tenant_id, seq)
);
create index audit_record_by_time on audit_record (tenant_id, at);
create index audit_record_by_actor on audit_record (tenant_id, actor, seq);
create index audit_record_by_action on audit_record (tenant_id, action, seq);
-- Which records are about what. An index: what counts is in the records.
create table audit_target (
  tenant_id uuid not null, instance_id uuid not null,
  type text not null,
  id text not null,
  seq bigint not null,
  primary key (tenant_id, type, id, seq)
);
create index audit_target_by_seq on audit_target (tenant_id, seq);

-- The server's role reads these tables and writes none of them: a chain grows at its head and loses what is older than its
-- tenant keeps, through append_audit and remove_old_audit alone, which fleet/db/roles.ts grants. They run as the owner, who under
-- FORCE sees no more than the tenant of the transaction; an owner that is a superuser sees more, so they name the tenant too.

-- In the path of every call, hence one round trip. Every part has a fixed length or its length before it, and numbers are
-- big-endian (int8send and int4send): no two records have one encoding. fleet/audit/chain.ts computes the same apart from this.
-- `said` is the record, read: what it is searched by is what it says.
create function write_audit(tenant uuid, record text, said jsonb, source bytea) returns bigint language plpgsql as $$
declare
  nil constant uuid := '00000000-0000-0000-0000-000000000000';
  start constant bytea := sha256(convert_to('deskwarden audit ' || tenant::text, 'UTF8'));
  body constant bytea := convert_to(record, 'UTF8');
  at timestamptz;
  head_seq bigint;
  head_hash bytea;
begin
  -- 'now' and 'infinity' are times to PostgreSQL.
  if not coalesce(said->>'at' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$', false) then
    raise exception 'a record of the audit says no time' using errcode = 'invalid_datetime_format';
  end if;
  at := date_trunc('milliseconds', (said->>'at')::timestamptz);
  for attempt in 1..2 loop
    select h.seq, h.hash into head_seq, head_hash from audit_head h where h.tenant_id = tenant for update;
    exit when found;
    -- Whoever else makes it is waited for here, and found by the second attempt.
    insert into audit_head (tenant_id, seq, hash, anchor_hash) values (tenant, 0, start, start) on conflict do nothing;
  end loop;
  if head_seq is null then raise exception 'the audit chain of % has no head', tenant; end if;
  head_seq := head_seq + 1;
  head_hash := sha256(head_hash || int8send(head_seq) || int8send((extract(epoch from at) * 1000000)::bigint)
    || int4send(octet_length(body)) || body || int4send(coalesce(octet_length(source), -1)) || coalesce(source, ''));
  insert into audit_record (tenant_id, instance_id, seq, at, actor, action, record, source_sealed, hash)
    values (tenant, nil, head_seq, at, coalesce(said#>>'{actor,id}', said#>>'{actor,kind}'), said->>'action', record, source, head_hash);
  insert into audit_target (tenant_id, instance_id, type, id, seq)
    select distinct tenant, nil, t->>'type', t->>'id', head_seq from jsonb_array_elements(said->'targets') t;
  update audit_head h set seq = head_seq, hash = head_hash where h.tenant_id = tenant;
  return head_seq;
end $$;

create function append_audit(tenant uuid, record text, source bytea) returns bigint
  language plpgsql security definer set search_path = public, pg_temp as $$
declare said constant jsonb := record::jsonb;
begin
  if tenant is distinct from current_tenant() then
    raise exception 'the audit chain of % is not of this transaction''s tenant', tenant using errcode = 'insufficient_privilege';
  end if;
  if said->>'action' = 'audit.removed' then
    raise exception 'a removal is recorded by remove_old_audit' using errcode = 'insufficient_privilege';
  end if;
  return write_audit(tenant, record, said, source);
end $$;

-- For how many days audit is kept. What no tenant could be named for: as long as any tenant keeps its own.
create function audit_days(tenant uuid) returns int language plpgsql as $$
declare
  days int;
  longest int;
  one uuid;
begin
  if tenant <> '00000000-0000-0000-0000-000000000000' then
    select (s.retention->>'audit')::int into days from tenant_settings s where s.tenant_id = tenant;
    if days is null then raise exception 'it is not said how long the audit of % is kept', tenant; end if;
    return days;
  end if;
  for one in select t.id from tenant t loop
    perform set_config('deskwarden.tenant', one::text, true);
    longest := greatest(longest, audit_days(one));
  end loop;
  perform set_config('deskwarden.tenant', tenant::text, true);
  if longest is null then raise exception 'there is no tenant that says how long audit is kept'; end if;
  return longest;
end $$;

-- Removes records from the oldest on, `most` at once, and returns how many: older than `before`, and by this database's own clock
-- older than the tenant keeps them. The last one that went stays as the chain's anchor; a record of the time `made_at` vouches for it.
create function remove_old_audit(tenant uuid, before timestamptz, made_at timestamptz, most int) returns int
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  head audit_head;
  kept_from timestamptz;
  last bigint;
  last_hash bytea;
  gone int;
  said jsonb;
begin
  if tenant is distinct from current_tenant() then
    raise exception 'the audit chain of % is not of this transaction''s tenant', tenant using errcode = 'insufficient_privilege';
  end if;
  select h.* into head from audit_head h where h.tenant_id = tenant for update;
  if not found then return 0; end if;
  -- Hours, since how long a day is depends on the session's time zone.
  kept_from := least(before, now() - make_interval(hours => 24 * audit_days(tenant)));
  -- Times do not rise strictly: the first young record ends it, and what is old behind it goes another day.
  select max(o.seq), count(*) into last, gone from (
    select r.seq, bool_and(r.at < kept_from) over (order by r.seq) as old from audit_record r
    where r.tenant_id = tenant and r.seq > head.anchor_seq order by r.seq limit most
  ) o where o.old;
  if gone = 0 then return 0; end if;
  select r.hash into last_hash from audit_record r where r.tenant_id = tenant and r.seq = last;
  delete from audit_record r where r.tenant_id = tenant and r.seq <= last;
  delete from audit_target t where t.tenant_id = tenant and t.seq <= last;
  update audit_head h set anchor_seq = last, anchor_hash = last_hash where h.tenant_id = tenant;
  said := jsonb_build_object(
    'at', to_char(made_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'actor', jsonb_build_object('kind', 'system'),
    'action', 'audit.removed', 'eventId', gen_random_uuid(), 'status', 200,
    'targets', jsonb_build_array(jsonb_build_object('type', 'audit', 'id', last || ':' || encode(last_hash, 'hex'))),
    'requestId', 'retention', 'count', gone);
  perform write_audit(tenant, said::text, said, null);
  return gone;
end $$;

revoke execute on function write_audit(uuid, text, jsonb, bytea), append_audit(uuid, text, bytea), audit_days(uuid),
  remove_old_audit(uuid, timestamptz, timestamptz, int) from public;

-- Work that is done once a day or once at all, whoever of the replicas does it.
create table job_run (
  tenant_id uuid not null, instance_id uuid not null,
  job text not null,
  day date not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  outcome jsonb,
  primary key (tenant_id, job, day)
);

-- Isolation ------------------------------------------------------------------------------------------------------------

create function keep_tenants_apart(name regclass) returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', name);
  execute format('alter table %s force row level security', name);
  -- Subqueries, so that each is evaluated once a statement and not once a row.
  execute format(
    'create policy own_rows on %s using (tenant_id = (select current_tenant()) and ((select current_instance()) is null '
    'or instance_id = (select current_instance()) or instance_id = ''00000000-0000-0000-0000-000000000000''))', name);
end $$;

select keep_tenants_apart(c.oid)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p');

create policy by_secret on ticket for select using (secret_hash = (select presented_hash()));
create policy by_secret on session for select using (token_hash = (select presented_hash()));
create policy by_secret on sign_in_link for select using (token_hash = (select presented_hash()));
create policy by_secret on sign_in_attempt for select using (token_hash = (select presented_hash()));

-- Partitions of history ------------------------------------------------------------------------------------------------

-- Making and dropping tables needs their owner, which the server is not: it may do it through these two alone, which
-- fleet/db/roles.ts grants.

create function make_history_partitions(first_month date, months int) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
declare parent text; month timestamp; name text;
begin
  foreach parent in array array['finding_change', 'standing_change'] loop
    for ahead in 0 .. least(months, 24) - 1 loop
      month := date_trunc('month', first_month::timestamp) + make_interval(months => ahead);
      name := format('%s_%s', parent, to_char(month, 'YYYYMM'));
      continue when to_regclass(name) is not null;
      begin
        execute format('create table %I partition of %I for values from (%L) to (%L)', name, parent,
          month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
        perform keep_tenants_apart(name::regclass);
      exception
        -- Rows of that month stand in the rest already, and stay there. Or another replica was faster.
        when check_violation or duplicate_table then null;
      end;
    end loop;
  end loop;
end $$;

-- Gives back the room of months that ended before `before` and that the retention job has emptied, tenant by tenant. One with a
-- row of any tenant stays.
create function drop_history_partitions(before timestamptz) returns text[]
  language plpgsql security definer set search_path = public, pg_temp as $$
declare parent text; name text; occupied boolean; dropped text[] := '{}';
begin
  for parent, name in
    select p.relname, c.relname from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_class p on p.oid = i.inhparent
    where p.relname in ('finding_change', 'standing_change') and p.relnamespace = 'public'::regnamespace
      and c.relname ~ '_[0-9]{6}$'
      and (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month')::timestamp at time zone 'UTC' <= before
    order by 2
  loop
    -- In this order, as a query of the parent takes them.
    execute format('lock table only %I in access exclusive mode', parent);
    execute format('lock table %I in access exclusive mode', name);
    -- Under FORCE this function sees no rows, and would take every month for empty.
    execute format('alter table %I no force row level security', name);
    execute format('select exists (select from %I)', name) into occupied;
    if occupied then
      execute format('alter table %I force row level security', name);
    else
      execute format('drop table %I', name);
      dropped := dropped || name;
    end if;
  end loop;
  return dropped;
end $$;

revoke execute on function keep_tenants_apart(regclass), make_history_partitions(date, int), drop_history_partitions(timestamptz) from public;
select make_history_partitions(current_date, 3);
