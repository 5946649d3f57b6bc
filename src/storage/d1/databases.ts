/**
 * The D1 databases by data region: which one holds what an id names. Personal data of a region never leaves its database;
 * what is global (e-mail claims, plans) is in the global one.
 */
import type { PeopleStores } from '../../application/account-ports.ts';
import { regionOfId, type DataRegion } from '../../domain/ids.ts';
import { CallRepository } from './call-repository.ts';
import { GuestRepository } from './guest-repository.ts';
import { RefreshTokenRepository } from './refresh-token-repository.ts';
import { EmailClaimRepository, UserRepository } from './user-repository.ts';

/** One database with its repositories. Other parts build theirs from `database`. */
export interface RegionDatabase {
  readonly region: DataRegion;
  readonly database: D1Database;
  readonly users: UserRepository;
  readonly guests: GuestRepository;
  readonly refreshTokens: RefreshTokenRepository;
  readonly calls: CallRepository;
}

/** All databases. */
export interface Databases {
  readonly people: PeopleStores;
  forRegion(region: DataRegion): RegionDatabase;
  /** The bare database of a region, for the repositories of other parts. */
  of(region: DataRegion): D1Database;
  /** The database of what an id names; the id's genuineness is checked before. */
  forId(id: string): RegionDatabase;
  all(): readonly RegionDatabase[];
}

/** The newest table of each migration: a database without one of them is not ready. */
const PROBE_TABLES = [
  'user',
  'provider',
  'audit_event',
  'job_run',
  'plan_version',
  'invoice',
  'ledger_transaction',
  'payout',
  'payment_method',
  'availability_rule',
  'feed',
  'service_text',
  'provider_staff',
  'guest_session',
  'provisioning',
];

/** The databases over their bindings. */
export function createDatabases(bindings: {
  readonly global: D1Database;
  readonly eu: D1Database;
}): Databases {
  const global = openRegion('global', bindings.global);
  const eu = openRegion('eu', bindings.eu);
  const forRegion = (region: DataRegion): RegionDatabase => (region === 'eu' ? eu : global);
  return {
    people: {
      emails: new EmailClaimRepository(bindings.global),
      users: (region) => forRegion(region).users,
      guests: (region) => forRegion(region).guests,
      refreshTokens: (region) => forRegion(region).refreshTokens,
    },
    forRegion,
    of: (region) => forRegion(region).database,
    forId: (id) => forRegion(regionOfId(id)),
    all: () => [global, eu],
  };
}

/** True when the database answers and has the tables that this code needs. */
export async function isMigrated(database: D1Database): Promise<boolean> {
  const marks = PROBE_TABLES.map(() => '?').join(', ');
  const row = await database
    .prepare(
      `select count(*) as found from sqlite_master where type = 'table' and name in (${marks})`,
    )
    .bind(...PROBE_TABLES)
    .first<{ found: number }>();
  return row?.found === PROBE_TABLES.length;
}

function openRegion(region: DataRegion, database: D1Database): RegionDatabase {
  return {
    region,
    database,
    users: new UserRepository(database),
    guests: new GuestRepository(database),
    refreshTokens: new RefreshTokenRepository(database),
    calls: new CallRepository(database),
  };
}
