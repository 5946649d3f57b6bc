/**
 * What a member's plans allow and what is used of it, as the member's object says: the same answer by which holds are
 * decided. Plans that have lapsed allow nothing and are left out. Called by `GET /v1/me/entitlements`.
 */
import type {
  Entitlements,
  MembershipRpc,
  MembershipUsage,
} from '../../contracts/membership-rpc.ts';
import type { EntitlementsView } from '../../contracts/http/plans.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import { COUNTED_FEATURES, integerOf, type Feature } from '../../domain/membership/features.ts';
import type { Clock } from '../ports.ts';

export interface ReadEntitlementsDeps {
  readonly clock: Clock;
  readonly member: Pick<MembershipRpc, 'usage'>;
}

type MembershipView = EntitlementsView['memberships'][number];

/** Live holds are counted too, though not per period. */
const COUNTED: readonly Feature[] = [...COUNTED_FEATURES, 'holds.concurrent'];

/** No plan that runs: `plan` is null and everything else empty. */
export async function readEntitlements(deps: ReadEntitlementsDeps): Promise<EntitlementsView> {
  const usage = await deps.member.usage();
  const nowMs = deps.clock.nowMs();
  const memberships = usage.memberships
    .filter(({ entitlements }) => isRunning(entitlements, nowMs))
    .map(toMembershipView);
  const [first] = memberships;
  if (first === undefined) {
    return { plan: null, limits: {}, used: {}, remaining: {}, until: null, memberships: [] };
  }
  const { plan, limits, used, remaining, until } = first;
  return { plan, limits, used, remaining, until, memberships };
}

function isRunning({ planId, validUntilMs }: Entitlements, nowMs: number): boolean {
  return planId !== null && validUntilMs > nowMs;
}

function toMembershipView({
  entitlements,
  used: counts,
}: MembershipUsage['memberships'][number]): MembershipView {
  const { group, subscriptionId, planId, planName, features } = entitlements;
  const used: Record<string, number> = { ...counts };
  const remaining: Record<string, number | null> = {};
  for (const feature of COUNTED) {
    const limit = integerOf(features, feature);
    if (limit === null) continue;
    const count = (used[feature] ??= 0);
    // Slots beyond the limit that the plan sells leave nothing, not less than nothing.
    remaining[feature] = limit === 'unlimited' ? null : Math.max(0, limit - count);
  }
  return {
    group,
    subscriptionId,
    plan: planId === null ? null : { id: planId, name: planName ?? '' },
    limits: { ...features },
    used,
    remaining,
    periodStart: formatInstant(entitlements.periodStartMs),
    periodEnd: formatInstant(entitlements.periodEndMs),
    until: formatInstant(entitlements.validUntilMs),
  };
}
