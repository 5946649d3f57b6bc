/**
 * Who works for a provider. Staff manage what is sold and what was booked; money, people and the provider's end stay with
 * its owners. D1 says who they are, and every shard has a copy, which is brought up to date before a call answers: what a
 * crash leaves out, the same call again makes good. Called by the providers' routes and by provisioning.
 */
import type { Caller } from '../contracts/calls.ts';
import { regionOf } from '../domain/ids.ts';
import { ok, type Result } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import type { PeopleStores } from './account-ports.ts';
import { invalidField, type CatalogueDeps } from './catalogue-deps.ts';
import { ownedProvider } from './manage-providers.ts';
import { provisionShards } from './provision-shards.ts';

/** People who work for one provider: every shard has the list in its card. */
export const STAFF_MAX = 100;

export interface StaffDeps extends CatalogueDeps {
  readonly people: PeopleStores;
  /** The key of an address, in whatever case it is typed. */
  emailKey(email: string): string;
}

/** Somebody who works for a provider; the address is null for one who was erased. */
export interface StaffMember {
  readonly userId: string;
  readonly email: string | null;
  readonly createdAtMs: EpochMs;
}

/** Who has an address; null for nobody. */
export async function personByEmail(
  deps: Pick<StaffDeps, 'people' | 'emailKey'>,
  email: string,
): Promise<string | null> {
  return (await deps.people.emails.find(deps.emailKey(email)))?.userId ?? null;
}

/**
 * Takes somebody on, who has an account; an owner stays what they are. Refusals: `not_found`, also for the provider's staff,
 * `validation_failed` for an address without an account, `overloaded`.
 */
export async function addStaff(
  deps: StaffDeps,
  caller: Caller,
  wanted: { readonly providerId: string; readonly email: string },
): Promise<Result<StaffMember>> {
  const found = await ownedProvider(deps, caller, wanted.providerId);
  if (!found.ok) return found;
  const { providers } = found.value.stores;
  const userId = await personByEmail(deps, wanted.email);
  if (userId === null) return invalidField('/email', 'has no account here');
  const staff = await providers.staffOf(wanted.providerId);
  const isNew = staff.every((one) => one.userId !== userId);
  if (isNew && staff.length >= STAFF_MAX)
    return invalidField('/email', `is one too many: a provider has at most ${STAFF_MAX} staff`);
  const isOwner = await providers.isOwner(wanted.providerId, userId);
  const record = { userId, createdAtMs: deps.clock.nowMs() };
  if (!isOwner) await providers.addStaff(wanted.providerId, record);
  await deps.grantProviderRole(userId);
  const told = await provisionShards(deps, providers, { provider: found.value.record, caller });
  if (!told.ok) return told;
  const since = staff.find((one) => one.userId === userId) ?? record;
  return ok(await withAddress(deps, since));
}

/** Lets somebody go, whether or not they are there. Refusals: `not_found`, also for the provider's staff, `overloaded`. */
export async function removeStaff(
  deps: StaffDeps,
  caller: Caller,
  unwanted: { readonly providerId: string; readonly userId: string },
): Promise<Result<null>> {
  const found = await ownedProvider(deps, caller, unwanted.providerId);
  if (!found.ok) return found;
  const { providers } = found.value.stores;
  await providers.removeStaff(unwanted.providerId, unwanted.userId);
  return provisionShards(deps, providers, { provider: found.value.record, caller });
}

/** Who works for a provider, those who came first in front. Refusals: `not_found`, also for the provider's staff. */
export async function listStaff(
  deps: StaffDeps,
  caller: Caller,
  providerId: string,
): Promise<Result<StaffMember[]>> {
  const found = await ownedProvider(deps, caller, providerId);
  if (!found.ok) return found;
  const staff = await found.value.stores.providers.staffOf(providerId);
  return ok(await Promise.all(staff.map((one) => withAddress(deps, one))));
}

async function withAddress(
  deps: StaffDeps,
  staff: Omit<StaffMember, 'email'>,
): Promise<StaffMember> {
  const parts = deps.ids.open('usr', staff.userId);
  const user =
    parts === null ? null : await deps.people.users(regionOf(parts.locator)).byId(staff.userId);
  return { ...staff, email: user?.email ?? null };
}
