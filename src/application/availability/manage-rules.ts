/**
 * Availability rules: made, read, changed and deleted. A change reaches as far as slots were made; what of it somebody
 * holds or has booked stays, and is told. Called by the rules' routes.
 */
import type { Caller } from '../../contracts/calls.ts';
import type { AvailabilityRule, RuleTerms } from '../../domain/availability/rule.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import type { Interval } from '../../domain/time.ts';
import { invalidField, notFound, shardId, type Asker } from '../catalogue-deps.ts';
import { decodeCursor, mergePage, type Page } from '../page-cursor.ts';
import { managedService, rulesOf, type AvailabilityDeps } from './availability-deps.ts';
import { carryOutRules, NO_CHANGES, type ScheduleChanges } from './carry-out-rules.ts';
import { checkTerms } from './check-terms.ts';
import type { KeptTerms, RuleRecord } from './rule-ports.ts';

/** Rules of one service: more of them are a calendar, not rules. */
export const RULES_MAX = 50;
/** Writes of a change that somebody else was faster than. */
const TRIES_MAX = 5;

/** A rule as it is now, or would be, and what its change brought or would bring. */
export interface RuleChange {
  readonly rule: RuleRecord;
  readonly changes: ScheduleChanges;
}

/** Makes a rule; slots follow by the job or by `generateSlots`. Refusals: `not_found`, `validation_failed`. */
export async function createRule(
  deps: AvailabilityDeps,
  asker: Asker,
  wanted: { readonly serviceId: string; readonly terms: (timeZone: string) => RuleTerms },
): Promise<Result<RuleRecord>> {
  const found = await managedService(deps, asker.caller, wanted.serviceId);
  if (!found.ok) return found;
  const { service, store } = found.value;
  const checked = checkTerms(deps.calendars, service, wanted.terms(service.timeZone));
  if (!checked.ok) return checked;
  const shardKey = deps.ids.open('svc', service.id)?.locator ?? '';
  const id = shardId(deps, asker, { kind: 'rul', shardKey });
  const { rules } = await store.ofService(service.id);
  if (rules.length >= RULES_MAX && rules.every((rule) => rule.id !== id))
    return invalidField('/rrule', `a service has at most ${RULES_MAX} rules`);
  const createdAtMs = deps.clock.nowMs();
  const fields = { id, serviceId: service.id, active: true, version: 1, createdAtMs };
  return ok(await store.insert({ ...checked.value, ...fields }));
}

/** Reads a rule, deleted ones too. Refusals: `not_found`. */
export async function readRule(deps: AvailabilityDeps, id: string): Promise<Result<RuleRecord>> {
  if (deps.ids.open('rul', id) === null) return notFound('rule');
  const rule = await rulesOf(deps, id).byId(id);
  return rule === null ? notFound('rule') : ok(rule);
}

/** The rules of a service, oldest first, without deleted ones. Refusals: `validation_failed` for a made-up cursor, `not_found`. */
export async function listRules(
  deps: AvailabilityDeps,
  query: {
    readonly serviceId: string;
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
): Promise<Result<Page<RuleRecord>>> {
  const cursor = decodeCursor(query.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const [atMs, afterId] = cursor.value ?? [-1, ''];
  const shardKey = deps.ids.open('svc', query.serviceId)?.locator ?? '';
  const service = await deps.objects.shard(shardKey).getService(query.serviceId);
  if (!service.ok) return service;
  const { rules } = await rulesOf(deps, query.serviceId).ofService(query.serviceId);
  const rest = rules.filter(
    ({ createdAtMs, id }) => createdAtMs > atMs || (createdAtMs === atMs && id > afterId),
  );
  return ok(mergePage([rest], { compare: () => 0, place: placeOf, limit: query.limit }));
}

/** Changes a rule, or says what that would bring. Refusals: `not_found`, `validation_failed`, `invalid_transition`. */
export async function changeRule(
  deps: AvailabilityDeps,
  caller: Caller,
  change: {
    readonly id: string;
    readonly isDryRun: boolean;
    readonly terms: (known: RuleTerms) => RuleTerms;
  },
): Promise<Result<RuleChange>> {
  return replaceRule(deps, caller, {
    ...change,
    next: (service, known) => {
      if (!known.active) return refuse('invalid_transition', 'The rule was deleted.');
      const checked = checkTerms(deps.calendars, service, change.terms(known));
      return checked.ok ? ok({ ...checked.value, active: true }) : checked;
    },
  });
}

/** Deletes a rule with its free slots, or says what that would bring; again: nothing. Refusals: `not_found`. */
export async function deleteRule(
  deps: AvailabilityDeps,
  caller: Caller,
  asked: { readonly id: string; readonly isDryRun: boolean },
): Promise<Result<RuleChange>> {
  return replaceRule(deps, caller, {
    ...asked,
    next: (_service, known) => ok({ ...known, active: false }),
  });
}

interface Replacement {
  readonly id: string;
  readonly isDryRun: boolean;
  readonly next: (
    service: Parameters<typeof checkTerms>[1],
    known: RuleRecord,
  ) => Result<KeptTerms & { readonly active: boolean }>;
}

async function replaceRule(
  deps: AvailabilityDeps,
  caller: Caller,
  { id, isDryRun, next }: Replacement,
): Promise<Result<RuleChange>> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const known = await readRule(deps, id);
    if (!known.ok) return known;
    const found = await managedService(deps, caller, known.value.serviceId);
    if (!found.ok) return notFound('rule');
    const { service, store } = found.value;
    const terms = next(service, known.value);
    if (!terms.ok) return terms;
    const rule = { ...known.value, ...terms.value, version: known.value.version + 1 };
    const isGone = !rule.active && !known.value.active;
    if (!isDryRun && !isGone && !(await store.replace(rule))) continue;
    const over = ahead(deps, (await store.ofService(service.id)).generated);
    const instead = isDryRun ? (rules: readonly RuleRecord[]) => replaced(rules, rule) : undefined;
    const done =
      over === null
        ? ok(NO_CHANGES)
        : await carryOutRules(deps, {
            caller,
            service,
            over,
            isDryRun,
            ...(instead === undefined ? {} : { instead }),
          });
    if (!done.ok) return done;
    return ok({ rule: isGone ? known.value : rule, changes: done.value });
  }
  return refuse('overloaded', 'Somebody else changes the rule again and again.', {
    retryAfterSeconds: 1,
  });
}

function placeOf({ createdAtMs, id }: RuleRecord): [number, string] {
  return [createdAtMs, id];
}

/** What of an interval is still to come; null for nothing. */
function ahead(deps: AvailabilityDeps, generated: Interval | null): Interval | null {
  if (generated === null) return null;
  const startAtMs = Math.max(generated.startAtMs, deps.clock.nowMs());
  return startAtMs < generated.endAtMs ? { ...generated, startAtMs } : null;
}

function replaced(rules: readonly RuleRecord[], rule: RuleRecord): readonly AvailabilityRule[] {
  return rules.flatMap((one) => (one.id !== rule.id ? [one] : rule.active ? [rule] : []));
}
