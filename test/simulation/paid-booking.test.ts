/**
 * Paid bookings under everything that can go wrong at once. After every step the invariants hold; once the faults end,
 * nothing is left unfinished and the processors' money is ours to the cent. SIM_SEED repeats one history, SIM_RUNS sets
 * how many are tried.
 */
import { afterAll, describe, expect, test } from 'vitest';
import {
  checkAtRest,
  checkChain,
  checkClaims,
  checkEarned,
  checkMemory,
  checkProcessors,
  checkQuota,
  checkQuotaAtRest,
  checkRows,
} from './invariants.ts';
import { rarePathsOf, RARE_PATHS } from './rare-paths.ts';
import { World } from './world.ts';

const STEPS = 120;
const RUNS = Number(process.env['SIM_RUNS'] ?? 200);
const ONLY = process.env['SIM_SEED'];
const SEEDS =
  ONLY === undefined ? Array.from({ length: RUNS }, (_, index) => index + 1) : [Number(ONLY)];

const reached = new Map<string, number>();

/** Bookings that were confirmed stay so unless somebody cancelled them. */
function checkConfirmed(world: World, confirmed: Set<string>): void {
  const rows = world.shop.shard.sql.rows('SELECT id, state FROM booking');
  for (const { id, state } of rows) {
    const bookingId = String(id);
    if (state === 'confirmed') confirmed.add(bookingId);
    else if (confirmed.has(bookingId) && !world.commanded.has(bookingId))
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
  await world.heal();
  checkStep(world, confirmed);
  checkChain(world.shop.shard);
  checkMemory(world.shop.shard);
  checkAtRest(world.shop.shard, world.processors);
  checkEarned(world.shop.shard);
  checkQuotaAtRest(world.shop.shard, world.shop.members);
  await world.replayAll();
  if (world.failures.length > 0) throw world.failures[0];
}

async function tryOut(seed: number): Promise<void> {
  const world = await World.open(seed);
  try {
    await live(world);
  } catch (cause) {
    const last = world.log.slice(-12).join('\n  ');
    const again = `SIM_SEED=${seed} npx vitest run test/simulation`;
    throw new Error(`seed ${seed} failed; repeat it by: ${again}\n  ${last}`, { cause });
  } finally {
    for (const path of [...world.seen, ...rarePathsOf(world)])
      reached.set(path, (reached.get(path) ?? 0) + 1);
    world.shop.shard.sql.close();
  }
}

describe('paid bookings', () => {
  const size = Math.ceil(SEEDS.length / 10);
  const batches = Array.from({ length: Math.ceil(SEEDS.length / size) }, (_, index) =>
    SEEDS.slice(index * size, (index + 1) * size),
  );

  test.each(batches.map((seeds) => [seeds[0], seeds.at(-1), seeds] as const))(
    'keep every promise under faults, crashes and late events, seeds %i to %i',
    async (_, __, seeds) => {
      for (const seed of seeds) await tryOut(seed);
    },
    120_000,
  );

  afterAll(() => {
    if (SEEDS.length < 200) return;
    expect(RARE_PATHS.filter((path) => (reached.get(path) ?? 0) === 0)).toEqual([]);
  });
});
