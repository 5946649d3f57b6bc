/**
 * A hall whose visitors all pay by one processor, over real sockets: the use cases, the shard's commands and the adapter
 * that ship, against the processor's simulator with its fault script. Time stands while anything is under way, and passes
 * between rounds. The seed decides what people do and what fails; the order in which sockets answer is the machine's.
 */
import { vi } from 'vitest';
import { advancePayment } from '../../src/application/advance-payment.ts';
import { advanceQuota } from '../../src/application/quota-notices.ts';
import { handleWebhook, receiveWebhook } from '../../src/application/receive-webhook.ts';
import { reconcile, type ReconcileReport } from '../../src/application/reconcile.ts';
import type { KeyedReply } from '../../src/contracts/calls.ts';
import { TRANSIENT_CODES } from '../../src/domain/codes.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { makeMoney } from '../application/reconcile-rig.ts';
import { Chance } from '../support/fake-clock.ts';
import { NodeShop } from '../support/node-shop.ts';
import type { Delivery } from '../support/webhook-server.ts';
import { MemoryInbox } from './memory-inbox.ts';
import { Killed, scriptFaults, WireProcessor, type GatewayCall } from './wire-processor.ts';
import { worldPorts, type WorldPorts } from './world-ports.ts';

/** Visitors that are in the hall at once. */
const CROWD = 24;
/** When the first slot begins, in minutes after tomorrow noon: after all that a history and its healing take. */
const FIRST_AT = 90 * 24 * 60;
/** Fewer places than come. */
const HALL_CAPACITY = 45;

const LOOK_EVERY_ROUNDS = 5;

/** How long nothing happens between two rounds. Longer than a lease, a hold and every pause between two looks, now and then. */
const PASSES_MS = [1_000, 2_000, 5_000, 16_000, 31_000, 61_000, 130_000, 310_000, 660_000];

/** An event that is on its way for longer in our time has a stale signature, though no time passed on its socket. */
const STALE_MS = 4 * MINUTE_MS;

/** The waits of a healing: refunds and reviews, then disputes, which are decided after three weeks at the latest. */
const HEALING_MS = [
  ...Array.from({ length: 5 }, () => 3 * MINUTE_MS),
  ...Array.from({ length: 4 }, () => 70 * MINUTE_MS),
  DAY_MS + HOUR_MS,
  2 * MINUTE_MS,
  11 * DAY_MS,
  2 * HOUR_MS,
  11 * DAY_MS,
  2 * HOUR_MS,
  2 * HOUR_MS,
];

/** What visitors do, and what has to be true between their deeds. */
export interface Life {
  readonly visit: (world: WireWorld, chance: Chance) => Promise<void>;
  readonly look: (world: WireWorld) => void;
}

/** A keyed call and the first definite answer to it. */
interface Answered {
  readonly run: () => Promise<KeyedReply<unknown>>;
  readonly answer: string;
}

export class WireWorld {
  readonly chance: Chance;
  readonly shop: NodeShop;
  readonly processor: Processor;
  readonly money = makeMoney();
  readonly inbox = new MemoryInbox();
  readonly ports: WorldPorts;
  readonly wire: WireProcessor;
  /** Paths that were taken, and how often. */
  readonly seen = new Map<string, number>();
  readonly failures: unknown[] = [];
  /** Refunds that somebody made at the processor, by their names there. */
  readonly refundsByHand: { readonly ref: string; readonly refundId: string }[] = [];
  readonly #answers: Answered[] = [];
  #busy = 0;
  #whenQuiet: (() => void) | null = null;
  #atTick: (() => void)[] = [];
  #arrived: string[] = [];
  /** Callers may die and queues may forget: until the healing. */
  #isMortal = true;
  /** Time that passed since all events had arrived. */
  #passedMs = 0;

  private constructor(shop: NodeShop, parts: { chance: Chance; wire: WireProcessor }) {
    this.shop = shop;
    this.chance = parts.chance;
    this.wire = parts.wire;
    this.processor = parts.wire.processor;
    const gateway = this.wire.guarded((call) => this.#around(call));
    this.ports = worldPorts({
      shop,
      shard: shop.shard,
      member: (id) => shop.members.member(id),
      inbox: this.inbox,
      gateways: {
        get: (name) => (name === this.processor ? gateway : null),
        all: () => [gateway],
      },
      money: this.money,
      send: async (message) => {
        if (message.type === 'webhook.received') this.#arrived.push(message.eventId);
      },
    });
  }

  static async open(seed: number, processor: Processor): Promise<WireWorld> {
    const chance = new Chance(seed);
    const shop = await NodeShop.open({
      seed,
      resources: [{ capacity: HALL_CAPACITY }],
      services: [
        { holdTtlSeconds: 300, cancellationPolicy: [{ hoursBefore: 0, refundPercent: 50 }] },
      ],
      slots: [0, 30, 60, 120, 180, 240].map((at) => ({ at: FIRST_AT + at })),
    });
    vi.useFakeTimers({ toFake: ['Date'], now: shop.clock.nowMs() });
    let world: WireWorld | null = null;
    const received = async (delivery: Delivery): Promise<number> =>
      world === null ? 503 : world.#receive(delivery);
    const wire = await WireProcessor.start(processor, { clock: shop.clock, received });
    await scriptFaults(chance, wire.control);
    world = new WireWorld(shop, { chance, wire });
    return world;
  }

  /** So many visitors come and go, and time passes between their deeds; now and then somebody looks at all of it. */
  async live(visitors: number, { visit, look }: Life): Promise<void> {
    let come = 0;
    let inside = 0;
    for (let round = 0; come < visitors || inside > 0; round++) {
      this.#wakeAll();
      for (; inside < CROWD && come < visitors; come++) {
        inside += 1;
        const own = new Chance(this.chance.below(2 ** 31));
        this.start(() => visit(this, own).finally(() => (inside -= 1)));
      }
      this.#background();
      await this.#quiet();
      if (this.failures.length > 0) throw this.failures[0];
      if (round % LOOK_EVERY_ROUNDS === 0) look(this);
      await this.#pass(this.chance.pick(PASSES_MS));
    }
  }

  /** A visitor waits until the next round. */
  async tick(rounds = 1): Promise<void> {
    for (let count = 0; count < rounds; count++) {
      const next = new Promise<void>((go) => this.#atTick.push(go));
      this.#done();
      await next;
    }
  }

  /** A keyed call; whoever dies over it asks again under the same key. Null when nobody ever learnt its answer. */
  async ask<T>(run: () => Promise<KeyedReply<T>>): Promise<KeyedReply<T> | null> {
    for (let tries = 0; tries < 5; tries++) {
      const reply = await run().catch((error: unknown) => this.#survive(error));
      if (reply === null || (!reply.ok && TRANSIENT_CODES.has(reply.refusal.code))) {
        await this.tick(2);
        continue;
      }
      if (tries > 0) this.note('a call was resumed');
      this.#answers.push({ run, answer: answerOf(reply) });
      return reply;
    }
    return null;
  }

  /** A call without a key, whose caller may die over it. */
  async dare(run: () => Promise<unknown>): Promise<void> {
    await run().catch((error: unknown) => this.#survive(error));
  }

  /** Something that a payer does; false where the processor does not let them. */
  async act(ref: string, action: object): Promise<boolean> {
    try {
      await this.wire.control.act(ref, action);
      return true;
    } catch (error) {
      if (error instanceof Error && / 4\d\d /.test(error.message)) return false;
      throw error;
    }
  }

  note(path: string, times = 1): void {
    this.seen.set(path, (this.seen.get(path) ?? 0) + times);
  }

  /** All faults end, what is late arrives, and everybody who looks keeps looking until nothing moves. */
  async heal(settleThere: (world: WireWorld) => Promise<void>): Promise<void> {
    for (const { fault, fired } of await this.wire.control.faults())
      if (fired > 0) this.note(`fault ${fault}`, fired);
    await this.wire.control.clearFaults();
    this.#isMortal = false;
    for (const [round, waitMs] of HEALING_MS.entries()) {
      await this.wire.delivered();
      await settleThere(this);
      await this.#pass(waitMs);
      this.#background();
      await this.#quiet();
      await this.reconcile(round % 2 === 0);
      if (this.failures.length > 0) throw this.failures[0];
    }
  }

  async reconcile(byHand: boolean): Promise<ReconcileReport> {
    const report = await reconcile(this.ports, { byHand });
    if (report.orphansVoided > 0) this.note('an orphan was voided');
    if (report.orphansRefunded > 0) this.note('an orphan was refunded');
    if (report.eventsHandled > 0) this.note('the sweep handled an event');
    if (report.listsFailed > 0) this.note('a list could not be read');
    return report;
  }

  /** Every key that got a definite answer gets the same one again. */
  async replayAll(): Promise<void> {
    for (const { run, answer } of this.#answers) {
      const again = answerOf(await run());
      if (again !== answer) throw new Error(`one key, two answers:\n${answer}\n${again}`);
    }
  }

  async close(): Promise<void> {
    await this.wire.close();
    this.shop.shard.sql.close();
    vi.useRealTimers();
  }

  /** Work beside everything else; nobody may die of anything but being killed. */
  start(work: () => Promise<unknown>): void {
    this.#busy += 1;
    work()
      .catch((error: unknown) => this.#survive(error))
      .catch((error: unknown) => this.failures.push(error))
      .finally(() => this.#done());
  }

  #survive(error: unknown): null {
    if (error instanceof Killed) return null;
    throw error;
  }

  /** The queues' consumers and now and then the cron. What a queue forgets, somebody else finds. */
  #background(): void {
    this.#handleArrived();
    for (const bookingId of new Set(this.shop.shard.wakeUps.splice(0))) {
      if (this.#forgets()) continue;
      this.start(() => advancePayment(this.ports, { bookingId, cause: 'queue', look: false }));
    }
    this.start(() => advanceQuota(this.ports));
    if (this.#isMortal && this.chance.happens(0.1)) this.start(() => this.reconcile(false));
  }

  #handleArrived(): void {
    for (const eventId of this.#arrived.splice(0)) {
      if (this.#forgets()) this.note('a message of the queue was lost');
      else
        this.start(() =>
          handleWebhook(this.ports, eventId).catch(() => {
            this.note('an event could not be handled at once');
          }),
        );
    }
  }

  #forgets(): boolean {
    return this.#isMortal && this.chance.happens(0.1);
  }

  async #receive({ rawBody, headers }: Delivery): Promise<number> {
    const received = await receiveWebhook(this.ports, {
      gateway: this.wire.adapter,
      rawBody,
      headers,
    });
    if (!received.ok) this.failures.push(new Error(`a genuine event was refused: ${rawBody}`));
    // While calls are under way, an event races with them.
    if (this.#busy > 0) this.#handleArrived();
    return 200;
  }

  /** A call to the processor: a capture needs a locked slot, and its caller may be gone when it is answered. */
  async #around({ name, request, run }: GatewayCall): Promise<unknown> {
    if (name === 'capture') this.#mustBeLocked((request as { ref: string }).ref);
    const isLast = this.#isMortal && this.chance.happens(0.01);
    const reply = await run();
    if (!isLast) return reply;
    this.note(`a caller died over ${name}`);
    throw new Killed(name);
  }

  #mustBeLocked(ref: string): void {
    const locked = `SELECT 1 FROM payment JOIN chain_event ON entity_id = booking_id
      WHERE ref = ? AND type = 'booking.confirming'`;
    if (this.shop.shard.sql.rows(locked, ref).length === 0)
      this.failures.push(new Error(`${ref} is captured before its slot is locked`));
  }

  async #pass(byMs: number): Promise<void> {
    this.#passedMs += byMs;
    if (this.#passedMs > STALE_MS) {
      await this.wire.delivered();
      this.#passedMs = 0;
    }
    this.shop.clock.advance(byMs);
    vi.setSystemTime(this.shop.clock.nowMs());
    await this.shop.shard.wake();
  }

  #wakeAll(): void {
    for (const go of this.#atTick.splice(0)) {
      this.#busy += 1;
      go();
    }
  }

  #done(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#whenQuiet?.();
  }

  /** Resolves when everybody waits for the next round. */
  async #quiet(): Promise<void> {
    await Promise.resolve();
    if (this.#busy === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenQuiet = resolve;
    });
    this.#whenQuiet = null;
  }
}

function answerOf(reply: KeyedReply<unknown>): string {
  const { replayed: _, notices: __, ...answer } = { notices: [], ...reply };
  return JSON.stringify(answer);
}
