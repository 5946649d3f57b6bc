/**
 * Carrying rules out: what they want of a stretch of time is found here, batch by batch, and decided by the shard. Stopping
 * anywhere leaves whole batches behind, and repeating it changes nothing, so that any caller may take it up again.
 */
import type { Caller } from '../../contracts/calls.ts';
import {
  SCHEDULE_BATCH_MAX,
  type ScheduleAnswer,
  type ScheduleReport,
} from '../../contracts/shard-schedule.ts';
import {
  wantedSlots,
  type AvailabilityRule,
  type WantedSlot,
} from '../../domain/availability/rule.ts';
import { required } from '../../domain/assert.ts';
import { regionOfId } from '../../domain/ids.ts';
import type { ServiceCard } from '../../domain/inventory/cards.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { DAY_MS, type EpochMs, type Interval } from '../../domain/time.ts';
import type { AvailabilityDeps } from './availability-deps.ts';
import type { ServiceRules } from './rule-ports.ts';

/** Days that are worked out at a time: enough to be few calls, and little enough to be held in memory. */
const CHUNK_MS = 28 * DAY_MS;
/** How often somebody may change the rules while they are carried out. */
const STALE_MAX = 5;
/** Kept slots that a report names; `keptCount` counts the rest too. */
export const KEPT_NAMED_MAX = 500;

/** What was changed over a whole stretch of time. */
export interface ScheduleChanges extends ScheduleReport {
  readonly keptCount: number;
}

/** Nothing. */
export const NO_CHANGES: ScheduleChanges = {
  created: 0,
  skipped: 0,
  updated: 0,
  removed: 0,
  kept: [],
  keptCount: 0,
};

/** What to carry out, for whom. */
export interface Stretch {
  readonly caller: Caller;
  readonly service: ServiceCard;
  readonly over: Interval;
  readonly isDryRun: boolean;
  /** The rules to carry out instead of those that stand, for a look at what a change would bring. */
  readonly instead?: (rules: ServiceRules['rules']) => readonly AvailabilityRule[];
}

/**
 * Carries out the rules that stand, also those that change meanwhile. Refusals: those of the shard, `overloaded` where they
 * change again and again.
 */
export async function carryOutRules(
  deps: AvailabilityDeps,
  stretch: Stretch,
): Promise<Result<ScheduleChanges>> {
  const { service, over, instead = (rules) => rules } = stretch;
  const store = deps.rules(regionOfId(service.id));
  let changes = NO_CHANGES;
  let startAtMs = over.startAtMs;
  for (let tries = 0; tries <= STALE_MAX; tries++) {
    const standing = await store.ofService(service.id);
    const rules = { version: standing.version, rules: instead(standing.rules) };
    const done = await carryOut(deps, { ...stretch, over: { ...over, startAtMs } }, rules);
    if (!done.ok) return done;
    changes = sum(changes, done.value.changes);
    if (done.value.staleAtMs === null) return ok(changes);
    startAtMs = done.value.staleAtMs;
  }
  return refuse('overloaded', 'The rules of the service change again and again.', {
    retryAfterSeconds: 1,
  });
}

/** Carries out these rules; `staleAtMs` is where newer ones were met. */
export async function carryOut(
  deps: AvailabilityDeps,
  stretch: Omit<Stretch, 'instead'>,
  { version, rules }: { readonly version: number; readonly rules: readonly AvailabilityRule[] },
): Promise<Result<{ changes: ScheduleChanges; staleAtMs: EpochMs | null }>> {
  const { caller, service, over, isDryRun } = stretch;
  const shardKey = required(deps.ids.open('svc', service.id), 'a service has a genuine id').locator;
  const shard = deps.objects.shard(shardKey);
  let changes = NO_CHANGES;
  for (const chunk of chunksOf(over)) {
    const wanted = wantedSlots(deps.calendars, service, { rules, over: chunk });
    for (const batch of batchesOf(chunk, wanted)) {
      const command = { caller, serviceId: service.id, version, isDryRun, ...batch };
      const reply: Result<ScheduleAnswer> = await shard.applySchedule(command);
      if (!reply.ok) return reply;
      if (reply.value.kind === 'stale') return ok({ changes, staleAtMs: batch.over.startAtMs });
      const { report } = reply.value;
      changes = sum(changes, { ...report, keptCount: report.kept.length });
    }
  }
  return ok({ changes, staleAtMs: null });
}

/** Stretches of a few weeks that are the interval together. */
export function* chunksOf({ startAtMs, endAtMs }: Interval): Generator<Interval> {
  for (let atMs = startAtMs; atMs < endAtMs; atMs += CHUNK_MS)
    yield { startAtMs: atMs, endAtMs: Math.min(atMs + CHUNK_MS, endAtMs) };
}

/** Stretches with what is wanted of each; slots of one start are in one of them. */
function* batchesOf(
  over: Interval,
  wanted: readonly WantedSlot[],
): Generator<{ over: Interval; wanted: readonly WantedSlot[] }> {
  let startAtMs = over.startAtMs;
  let batch: WantedSlot[] = [];
  for (const slot of wanted) {
    if (batch.length >= SCHEDULE_BATCH_MAX && slot.startAtMs !== batch.at(-1)?.startAtMs) {
      yield { over: { startAtMs, endAtMs: slot.startAtMs }, wanted: batch };
      startAtMs = slot.startAtMs;
      batch = [];
    }
    batch.push(slot);
  }
  yield { over: { startAtMs, endAtMs: over.endAtMs }, wanted: batch };
}

function sum(a: ScheduleChanges, b: ScheduleChanges): ScheduleChanges {
  return {
    created: a.created + b.created,
    skipped: a.skipped + b.skipped,
    updated: a.updated + b.updated,
    removed: a.removed + b.removed,
    kept: [...a.kept, ...b.kept].slice(0, KEPT_NAMED_MAX),
    keptCount: a.keptCount + b.keptCount,
  };
}
