/**
 * One history in a world of one seed: after every step the invariants hold; once the faults end, nothing is left
 * unfinished and the processors' money is ours to the cent. SIM_SEED repeats one history, SIM_RUNS sets how many are tried.
 */
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import {
  checkAtRest,
  checkChain,
  checkClaims,
  checkEarned,
  checkFacts,
  checkMemory,
  checkProcessors,
  checkQuota,
  checkQuotaAtRest,
  checkRows,
} from './invariants.ts';
import { rarePathsOf } from './rare-paths.ts';
import { World } from './world.ts';

/** Histories of a full run. */
const FULL_RUNS = 200;
const STEPS = 120;
/** A crowd's history is long, and looked at now and then. */
const HALL_STEPS = 1_500;
const HALL_LOOK_EVERY = 300;

/** Somebody cancelled it, or a dispute over its money was lost. */
function isEnded({ commanded, shop }: World, bookingId: string): boolean {
  const where = "SELECT 1 FROM chain_event WHERE type = 'dispute.lost' AND parent_id = ?";
  return commanded.has(bookingId) || shop.shard.sql.rows(where, bookingId).length > 0;
}

/** Bookings that were confirmed stay so unless somebody cancelled them or took their money. */
function checkConfirmed(world: World, confirmed: Set<string>): void {
  const rows = world.shop.shard.sql.rows('SELECT id, state FROM booking');
  for (const { id, state } of rows) {
    const bookingId = String(id);
    if (state === 'confirmed') confirmed.add(bookingId);
    else if (confirmed.has(bookingId) && !isEnded(world, bookingId))
      throw new Error(`${bookingId} was confirmed, is ${String(state)}, and nobody asked for it`);
  }
}

function checkStep(world: World, confirmed: Set<string>): void {
  if (world.failures.length > 0) throw world.failures[0];
  const { shard } = world.shop;
  checkClaims(shard);
  checkRows(shard);
  checkProcessors(shard, world.processors);
  checkQuota(shard, world.shop.members);
  checkConfirmed(world, confirmed);
}

async function live(world: World): Promise<void> {
  const confirmed = new Set<string>();
  let head = -1;
  for (let count = 0; count < STEPS; count++) {
    await world.step();
    if (count % 35 === 34) checkMemory(world.shop.shard);
    const now = world.shop.shard.store.chainHead()?.seq ?? 0;
    if (now !== head || world.failures.length > 0) checkStep(world, confirmed);
    head = now;
  }
  await endWell(world, confirmed);
}

async function liveInHall(world: World): Promise<void> {
  const confirmed = new Set<string>();
  for (let count = 1; count <= HALL_STEPS; count++) {
    await world.step();
    if (count % HALL_LOOK_EVERY === 0) checkStep(world, confirmed);
  }
  await endWell(world, confirmed);
}

/** The faults end, and everything is as it has to be. */
async function endWell(world: World, confirmed: Set<string>): Promise<void> {
  await world.heal();
  checkStep(world, confirmed);
  checkChain(world.shop.shard);
  checkMemory(world.shop.shard);
  checkAtRest(world.shop.shard, world.processors);
  checkEarned(world.shop.shard);
  checkFacts(world.shop.shard, await world.shop.facts());
  checkQuotaAtRest(world.shop.shard, world.shop.members);
  await world.replayAll();
  if (world.failures.length > 0) throw world.failures[0];
}

/** What histories reached: their rare paths, and how many payments each processor played. */
export interface Tally {
  readonly reached: Map<string, number>;
  readonly played: Map<string, number>;
}

/** An empty tally. */
export function newTally(): Tally {
  return { reached: new Map(), played: new Map() };
}

/** How many seeds a run tries by default or by SIM_RUNS; SIM_SEED tries one. */
export function seedsOf(share: number): number[] {
  const only = process.env['SIM_SEED'];
  if (only !== undefined) return [Number(only)];
  const runs = Number(process.env['SIM_RUNS'] ?? FULL_RUNS);
  return Array.from({ length: Math.ceil(runs * share) }, (_, index) => index + 1);
}

/** True when a run is long enough to be asked what it reached. */
export function isFullRun(): boolean {
  const runs = Number(process.env['SIM_RUNS'] ?? FULL_RUNS);
  return process.env['SIM_SEED'] === undefined && runs >= FULL_RUNS;
}

/** Lives one history and checks it; in a hall all pay by one processor. The error names how to repeat it. */
export async function tryOut(
  seed: number,
  tally: Tally,
  only: Processor | null = null,
): Promise<void> {
  const world = await (only === null ? World.open(seed) : World.openHall(seed, only));
  try {
    await (only === null ? live(world) : liveInHall(world));
  } catch (cause) {
    const last = world.log.slice(-12).join('\n  ');
    const again = `SIM_SEED=${seed} npx vitest run test/simulation`;
    throw new Error(`seed ${seed} (${only ?? 'all'}) failed; repeat it by: ${again}\n  ${last}`, {
      cause,
    });
  } finally {
    for (const path of [...world.seen, ...rarePathsOf(world)]) addTo(tally.reached, path, 1);
    for (const { processor, objects } of world.processors)
      addTo(tally.played, processor, objects.size);
    world.shop.shard.sql.close();
  }
}

function addTo(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
