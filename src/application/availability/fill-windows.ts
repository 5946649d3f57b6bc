/**
 * The job that keeps the booking window of every service filled by its rules. It goes on where it stopped, looks at what is
 * new of a window only, and one service that fails never stops the others. Called by the cron and by operators.
 */
import { errorText } from '../../domain/assert.ts';
import { regionOfId, type DataRegion } from '../../domain/ids.ts';
import type { ServiceCard } from '../../domain/inventory/cards.ts';
import { ok, type Result } from '../../domain/result.ts';
import { DAY_MS, HOUR_MS, type EpochMs } from '../../domain/time.ts';
import type { AvailabilityDeps } from './availability-deps.ts';
import { carryOut, chunksOf } from './carry-out-rules.ts';
import type { FilledWindow } from './rule-ports.ts';

/** Who fills windows where no provider asked. */
const JOB_CALLER = { id: 'system:slots', roles: ['operator'] } as const;

const REGIONS: readonly DataRegion[] = ['global', 'eu'];
const PAGE_LENGTH = 50;
/** Stretches of weeks that one run works out; what is left stays due. */
const CHUNKS_PER_RUN = 2_000;
/** A window is filled so much further than it reaches that it is still full at the next look, and at the one after. */
const AHEAD_MS = 2 * DAY_MS;
const AGAIN_MS = DAY_MS;
const AGAIN_AFTER_FAULT_MS = HOUR_MS;

/** What a run came to. */
export interface FillReport {
  readonly services: number;
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
  readonly kept: number;
  readonly failed: number;
  /** False when the run stopped before everything due was done. */
  readonly isDone: boolean;
}

/** One run; by hand it looks at every service, whenever it was filled last. */
export async function fillWindows(
  deps: AvailabilityDeps,
  run: { readonly byHand: boolean },
): Promise<FillReport> {
  const tally = new Tally();
  for (const region of REGIONS) {
    for await (const window of windowsOf(deps, region, run)) {
      if (!tally.hasRoom) break;
      await fillOne(deps, window, tally);
    }
  }
  return tally.report;
}

/** The windows to look at, page by page. One that is looked at moves out of what is due, so that due pages come to an end. */
async function* windowsOf(
  deps: AvailabilityDeps,
  region: DataRegion,
  { byHand }: { readonly byHand: boolean },
): AsyncGenerator<FilledWindow> {
  const store = deps.rules(region);
  for (let afterId = ''; ;) {
    const page = byHand
      ? await store.windows(afterId, PAGE_LENGTH)
      : await store.dueWindows(deps.clock.nowMs(), PAGE_LENGTH);
    yield* page;
    afterId = page.at(-1)?.serviceId ?? '';
    if (page.length < PAGE_LENGTH) return;
  }
}

async function fillOne(deps: AvailabilityDeps, window: FilledWindow, tally: Tally): Promise<void> {
  tally.services += 1;
  const { serviceId } = window;
  const fail = async (reason: string): Promise<void> => {
    tally.failed += 1;
    deps.log.warn('slots.window_failed', { entityId: serviceId, reason });
    const againAtMs = deps.clock.nowMs() + AGAIN_AFTER_FAULT_MS;
    await deps.rules(regionOfId(serviceId)).postpone(serviceId, againAtMs);
  };
  try {
    const filled = await fillWindow(deps, window, tally);
    if (!filled.ok) await fail(filled.refusal.code);
  } catch (error) {
    await fail(errorText(error));
  }
}

async function fillWindow(
  deps: AvailabilityDeps,
  window: FilledWindow,
  tally: Tally,
): Promise<Result<null>> {
  const { serviceId } = window;
  const store = deps.rules(regionOfId(serviceId));
  const nowMs = deps.clock.nowMs();
  const shardKey = deps.ids.open('svc', serviceId)?.locator ?? '';
  const found = await deps.objects.shard(shardKey).getService(serviceId);
  if (!found.ok) return found;
  const service = found.value;
  if (!service.active) {
    await store.postpone(serviceId, nowMs + AGAIN_MS);
    return ok(null);
  }
  const { version, rules } = await store.ofService(serviceId);
  const basis = basisOf(service, version);
  const knownUntilMs = window.filledBasis === basis ? (window.filledUntilMs ?? nowMs) : nowMs;
  const over = {
    startAtMs: Math.max(nowMs, knownUntilMs),
    endAtMs: nowMs + service.bookingWindowDays * DAY_MS + AHEAD_MS,
  };
  if (over.startAtMs < over.endAtMs)
    await store.widenGenerated(serviceId, { ...over, startAtMs: nowMs });
  const save = (untilMs: EpochMs, nextFillAtMs: EpochMs) =>
    store.saveFilled({ serviceId, version, basis, untilMs, nextFillAtMs });
  let filledUntilMs = over.startAtMs;
  let hasKept = false;
  for (const chunk of chunksOf(over)) {
    // Still due, so that the next run goes on here.
    if (!tally.takeChunk()) return ok(null);
    const stretch = { caller: JOB_CALLER, service, over: chunk, isDryRun: false };
    const done = await carryOut(deps, stretch, { version, rules });
    if (!done.ok) return done;
    tally.add(done.value.changes);
    // Newer rules have made it due again.
    if (done.value.staleAtMs !== null) return ok(null);
    // What somebody keeps against the rules is looked at again, until they have given it back.
    hasKept ||= done.value.changes.keptCount > 0;
    if (hasKept) continue;
    filledUntilMs = chunk.endAtMs;
    await save(filledUntilMs, nowMs);
  }
  await save(filledUntilMs, nowMs + AGAIN_MS);
  return ok(null);
}

/** Whatever changes where slots are: a window that was filled by something else is gone through again. */
function basisOf(service: ServiceCard, version: number): string {
  const { durationMinutes, bufferBeforeMinutes, bufferAfterMinutes } = service;
  return [version, durationMinutes, bufferBeforeMinutes, bufferAfterMinutes].join(' ');
}

/** What a run has done so far. */
class Tally {
  services = 0;
  failed = 0;
  #chunks = 0;
  #isStopped = false;
  #changes = { created: 0, updated: 0, removed: 0, kept: 0 };

  get hasRoom(): boolean {
    return !this.#isStopped;
  }

  takeChunk(): boolean {
    if (this.#chunks >= CHUNKS_PER_RUN) this.#isStopped = true;
    else this.#chunks += 1;
    return !this.#isStopped;
  }

  add(more: { created: number; updated: number; removed: number; keptCount: number }): void {
    const { created, updated, removed, kept } = this.#changes;
    this.#changes = {
      created: created + more.created,
      updated: updated + more.updated,
      removed: removed + more.removed,
      kept: kept + more.keptCount,
    };
  }

  get report(): FillReport {
    const { services, failed } = this;
    return { services, ...this.#changes, failed, isDone: !this.#isStopped };
  }
}
