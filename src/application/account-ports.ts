/** What the use cases of accounts need of the world: people, their addresses, their refresh tokens, and password hashes. */
import type { Role } from '../contracts/calls.ts';
import type { Draft } from '../contracts/http/guests.ts';
import type { DataRegion } from '../domain/ids.ts';
import type { EpochMs } from '../domain/time.ts';

/** A person as the database keeps them. */
export interface UserRecord {
  readonly id: string;
  readonly email: string;
  readonly emailKey: string;
  readonly name: string | null;
  readonly passwordHash: string;
  readonly roles: readonly Role[];
  readonly dataRegion: DataRegion;
  readonly createdAtMs: EpochMs;
  /** The guest whom this person registered as; whether that guest is theirs is for the guest's row to say. */
  readonly guestId: string | null;
}

/** Somebody who books without an account. */
export interface GuestRecord {
  readonly id: string;
  readonly email: string;
  readonly emailKey: string;
  readonly name: string;
  readonly phone: string | null;
  readonly draft: Draft | null;
  /** The account that took the guest's bookings along; null for none. */
  readonly userId: string | null;
  readonly createdAtMs: EpochMs;
  readonly expiresAtMs: EpochMs;
}

/** Guests of one region. */
export interface GuestStore {
  insert(guest: GuestRecord): Promise<void>;
  byId(id: string): Promise<GuestRecord | null>;
  saveDraft(id: string, draft: Draft | null): Promise<void>;
  /** Gives the guest to the person unless somebody else has them; true when the guest is theirs, from now on or before. */
  take(id: string, userId: string): Promise<boolean>;
}

/** Who has an e-mail address. */
export interface EmailClaim {
  readonly userId: string;
  readonly dataRegion: DataRegion;
}

/** People of one region. */
export interface UserStore {
  insert(user: UserRecord): Promise<void>;
  byId(id: string): Promise<UserRecord | null>;
  remove(id: string): Promise<void>;
  /** Adds a role; a repeat changes nothing. */
  grantRole(id: string, role: Role): Promise<void>;
}

/** E-mail addresses of all regions, as keyed hashes. */
export interface EmailClaimStore {
  find(emailKey: string): Promise<EmailClaim | null>;
  /** False when somebody has the address. */
  claim(user: UserRecord): Promise<boolean>;
}

/** A refresh token; the token itself is never stored. */
export interface RefreshTokenRecord {
  readonly tokenHash: string;
  readonly familyId: string;
  readonly userId: string;
  /** Place in the family, from 1. */
  readonly generation: number;
  readonly familyExpiresAtMs: EpochMs;
  readonly expiresAtMs: EpochMs;
  readonly usedAtMs: EpochMs | null;
  readonly revokedAtMs: EpochMs | null;
  readonly createdAtMs: EpochMs;
}

/** Refresh tokens of one region. */
export interface RefreshTokenStore {
  insert(token: RefreshTokenRecord): Promise<void>;
  byHash(tokenHash: string): Promise<RefreshTokenRecord | null>;
  /** Uses a token up and stores its successor, both or neither; false when it was used or revoked meanwhile. */
  rotate(usedHash: string, successor: RefreshTokenRecord): Promise<boolean>;
  revokeFamily(familyId: string, nowMs: EpochMs): Promise<void>;
}

/** Stores of people, by region. */
export interface PeopleStores {
  readonly emails: EmailClaimStore;
  users(region: DataRegion): UserStore;
  guests(region: DataRegion): GuestStore;
  refreshTokens(region: DataRegion): RefreshTokenStore;
}

/** Password hashes; both calls take about 100 ms of computing. */
export interface Passwords {
  hash(password: string): string;
  /** Takes as long for null, which is nobody's hash. */
  verify(password: string, hash: string | null): boolean;
}
