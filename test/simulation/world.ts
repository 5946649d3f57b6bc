/**
 * A world in virtual time around the shipping commands: customers, members with plans that count, payers, processors
 * that fail, events that come twice, late or never, a queue that forgets, and a process that dies at any point. One
 * seed gives one history.
 */
import { setImmediate } from 'node:timers/promises';
import { holdSlots } from '../../src/application/admit-hold.ts';
import { advancePayment } from '../../src/application/advance-payment.ts';
import {
  actAsSeller,
  cancelWithRefund,
  checkOut,
  confirmPayment,
  giveUpHold,
  refundBooking,
} from '../../src/application/checkout.ts';
import type { GatewayRegistry } from '../../src/application/ports.ts';
import { advanceQuota } from '../../src/application/quota-notices.ts';
import { handleWebhook, receiveWebhook } from '../../src/application/receive-webhook.ts';
import { reconcile } from '../../src/application/reconcile.ts';
import type { Caller } from '../../src/contracts/calls.ts';
import type {
  CancelBookingCommand,
  OpenBookingCommand,
  OpenRefundCommand,
  PlaceHoldCommand,
  SellerDeed,
} from '../../src/contracts/durable-rpc.ts';
import type { BookingView } from '../../src/contracts/http/booking.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import type { Refusal } from '../../src/domain/result.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { Chance } from '../support/fake-clock.ts';
import type { FakeProcessor } from '../support/fake-processor.ts';
import { OWNER } from '../support/node-shard.ts';
import { customer, type NodeShop } from '../support/node-shop.ts';
import { makeMoney } from '../application/reconcile-rig.ts';
import { actLater, HEALING_MS, settleThere } from './aftermath.ts';
import { drawMix, somePayment, type Mix } from './mix.ts';
import { MemoryInbox } from './memory-inbox.ts';
import { listenTo, type ProcessorEvent } from './listening.ts';
import { payerActs } from './payers.ts';
import { openClub, openHall, someSlots } from './places.ts';
import { RememberedCalls } from './remembered-calls.ts';
import { settled, Turns } from './turns.ts';
import { worldPorts, type WorldPorts } from './world-ports.ts';

/** Funds that lapse before a course is decided. */
const SHORT_AUTHORIZATION_MS = 25 * HOUR_MS;

const CUSTOMERS = ['usr_ann', 'usr_bob', 'usr_cyd'];

export class World {
  readonly chance: Chance;
  readonly turns = new Turns();
  readonly log: string[] = [];
  readonly seen = new Set<string>();
  readonly failures: unknown[] = [];
  /** Bookings that somebody asked to cancel. */
  readonly commanded = new Set<string>();
  readonly shop: NodeShop;
  /** The ledger of each region. */
  readonly money = makeMoney();
  readonly #mix: Mix;
  readonly #inbox = new MemoryInbox();
  readonly #ports: WorldPorts;
  readonly #calls: RememberedCalls;
  #events: ProcessorEvent[] = [];
  #messages: string[] = [];

  /** In a crowded world all pay with this processor, and far more is under way at once. */
  readonly #only: Processor | null;

  private constructor(
    shop: NodeShop,
    { chance, only }: { chance: Chance; only: Processor | null },
  ) {
    this.shop = shop;
    this.#only = only;
    this.chance = chance;
    this.#mix = drawMix(chance);
    this.#calls = new RememberedCalls({
      seen: this.seen,
      start: (name, work) => this.#run(name, work),
      answered: (name, reply) => {
        if (name === 'book') this.#payOtherwise(reply);
      },
    });
    for (const processor of this.processors)
      listenTo({
        processor,
        chance,
        mix: this.#mix,
        shop,
        send: (event) => this.#events.push(event),
      });
    const gateways = this.processors.map((one) => this.turns.guard(one.processor, one));
    const registry: GatewayRegistry = {
      get: (name) => gateways.find(({ processor }) => processor === name) ?? null,
      all: () => gateways,
    };
    const shard = this.turns.guard('shard', shop.shard);
    const inbox = this.turns.guard('inbox', this.#inbox);
    shop.members.shard = shard;
    this.#ports = worldPorts({
      shop,
      shard,
      member: (id) => this.turns.guard('member', shop.members.member(id)),
      inbox,
      gateways: registry,
      money: this.money,
      send: async (message) => {
        if (message.type === 'webhook.received') this.#messages.push(message.eventId);
      },
    });
  }

  /** Customers and members of a small club, who pay as they like. */
  static async open(seed: number): Promise<World> {
    return World.#of(await openClub(seed), { seed, only: null });
  }

  /** A hall with room for many, whose visitors all pay with one processor. */
  static async openHall(seed: number, only: Processor): Promise<World> {
    return World.#of(await openHall(seed), { seed, only });
  }

  static #of(shop: NodeShop, { seed, only }: { seed: number; only: Processor | null }): World {
    const chance = new Chance(seed);
    shop.btcpay.areRefundsClaimed = chance.happens(0.5);
    if (chance.happens(0.4)) shop.stripe.authorizationMs = SHORT_AUTHORIZATION_MS;
    return new World(shop, { chance, only });
  }

  get processors(): readonly FakeProcessor[] {
    return [this.shop.stripe, this.shop.btcpay, this.shop.paypal];
  }

  /** One thing happens. */
  async step(): Promise<void> {
    const { crashes, payers, jumps } = this.#mix;
    if (this.chance.happens(crashes)) this.#crash();
    else if (this.chance.happens(jumps)) this.#passTime();
    else if (this.chance.happens(payers)) this.#payerActs();
    else if (this.turns.length > 0 && this.chance.happens(0.85))
      this.#note(`turn ${await this.turns.giveOne(this.chance)}`);
    else this.#start();
    await settled();
  }

  /** All faults end, what is late arrives, and everybody who looks keeps looking until nothing moves. */
  async heal(): Promise<void> {
    for (const processor of this.processors) processor.faultFor = () => null;
    this.#crash();
    for (const [round, waitMs] of HEALING_MS.entries()) {
      this.shop.clock.advance(waitMs);
      for (const processor of this.processors) settleThere(this.chance, processor);
      await this.shop.shard.wake();
      this.#run('queue', () => this.#drainQueue());
      this.#run('members', () => this.#membersAsk());
      for (const event of this.#events.splice(0)) this.#run('webhook', () => this.#receive(event));
      this.#run('reconcile', () => this.#reconcile(round % 2 === 0));
      await this.#untilQuiet();
    }
  }

  /** Every key that got a definite answer gets the same one again. */
  async replayAll(): Promise<void> {
    for (const key of this.#calls.keys) this.#calls.repeat(key);
    await this.#untilQuiet();
  }

  async #untilQuiet(): Promise<void> {
    for (let turns = 0; this.turns.length > 0; turns++) {
      if (turns > 5_000) throw new Error('the world does not come to rest');
      await this.turns.giveOne(this.chance);
    }
    await setImmediate();
  }

  #start(): void {
    const { chance } = this;
    if (this.#only !== null && chance.happens(0.6)) return this.#book();
    const start = chance.pick([
      () => this.#hold(),
      () => this.#hold(),
      () => this.#book(),
      () => this.#book(),
      () => this.#bookHold(),
      () => this.#bookHold(),
      () => this.#calls.repeat(chance.pick(['', ...this.#calls.keys])),
      () => this.#cancel(),
      () => this.#giveUp(),
      () => this.#decide(),
      () => this.#confirm(),
      () => this.#refund(),
      () => this.#deliver(),
      () => this.#deliver(),
      () => this.#deliver(),
      () => this.#run('queue', () => this.#drainQueue()),
      () => this.#run('queue', () => this.#drainQueue()),
      () => this.#run('members', () => this.#membersAsk()),
      () => this.#run('reconcile', () => this.#reconcile(chance.happens(0.3))),
    ]);
    start();
  }

  #hold(): void {
    const command: PlaceHoldCommand = this.shop.holdCommand(
      someSlots(this.chance, this.shop, this.#only !== null),
      this.#someWish(),
    );
    this.#calls.make('hold', command.call.key, () => holdSlots(this.#ports, command));
  }

  #book(): void {
    this.#open(
      this.shop.bookCommand(
        someSlots(this.chance, this.shop, this.#only !== null),
        somePayment(this.chance, this.#only),
        this.#someWish(),
      ),
    );
  }

  #bookHold(): void {
    // Mostly a hold that can still be paid for, above all one whose first attempt came to nothing.
    const order = this.chance.happens(0.8)
      ? "state = 'active' DESC, booking_id IS NOT NULL DESC, rowid DESC LIMIT 2"
      : 'rowid DESC LIMIT 4';
    const holds = this.shop.shard.sql.rows(`SELECT id, caller_id FROM hold ORDER BY ${order}`);
    if (holds.length === 0) return;
    const { id, caller_id: by } = this.chance.pick(holds);
    this.#open(
      this.shop.bookCommand(String(id), somePayment(this.chance, this.#only), { by: String(by) }),
    );
  }

  #open(command: OpenBookingCommand): void {
    this.#calls.make('book', command.call.key, () => checkOut(this.#ports, command));
  }

  #cancel(): void {
    const booking = this.#someBooking();
    if (booking === null) return;
    const caller: Caller = this.chance.happens(0.3) ? OWNER : customer(booking.customerId);
    const command: CancelBookingCommand = {
      caller,
      call: { key: this.shop.freshKey(), fingerprint: booking.id },
      bookingId: booking.id,
      reason: null,
    };
    this.commanded.add(booking.id);
    this.#calls.make('cancel', command.call.key, () => cancelWithRefund(this.#ports, command));
  }

  #refund(): void {
    const booking = this.#someBooking();
    if (booking === null || !this.chance.happens(this.#mix.aftermath)) return;
    const amount = this.chance.pick([null, 1, 300, 700]);
    const command: OpenRefundCommand = {
      caller: OWNER,
      call: { key: this.shop.freshKey(), fingerprint: `${booking.id} ${amount}` },
      bookingId: booking.id,
      amount: amount === null ? null : { amount, currency: 'usd' },
      reason: 'goodwill',
    };
    this.#calls.make('refund', command.call.key, () => refundBooking(this.#ports, command));
  }

  /** The club answers somebody who waits for it, now and then too late. */
  #decide(): void {
    const waiting = this.shop.shard.sql.rows(
      "SELECT id FROM booking WHERE state IN ('awaiting_approval', 'confirmed') ORDER BY state LIMIT 3",
    );
    if (waiting.length === 0) return;
    const bookingId = String(this.chance.pick(waiting)['id']);
    const deed: SellerDeed = this.chance.happens(0.7)
      ? { kind: 'approve', price: null }
      : { kind: 'decline', reason: 'no teacher' };
    const call = { key: this.shop.freshKey(), fingerprint: `${deed.kind} ${bookingId}` };
    const command = { caller: OWNER, call, bookingId, deed };
    this.#calls.make('decide', call.key, () => actAsSeller(this.#ports, command));
  }

  #giveUp(): void {
    const booking = this.#someBooking();
    if (booking === null) return;
    const asked = { caller: customer(booking.customerId), holdId: booking.holdId };
    this.#run('give up', () => giveUpHold(this.#ports, asked));
  }

  #confirm(): void {
    const booking = this.#someBooking();
    if (booking === null) return;
    const asked = { caller: customer(booking.customerId), bookingId: booking.id };
    this.#run('confirm', () => confirmPayment(this.#ports, asked));
  }

  #deliver(): void {
    const { chance } = this;
    const waiting = this.#messages.splice(0);
    for (const eventId of waiting) {
      if (chance.happens(0.2)) this.seen.add('a message of the queue was lost');
      else this.#run('webhook', () => handleWebhook(this.#ports, eventId).catch(() => undefined));
    }
    if (this.#events.length === 0) return;
    const index = chance.below(this.#events.length);
    const event = this.#events[index];
    if (event === undefined) return;
    if (chance.happens(0.25)) this.seen.add('an event was delivered twice');
    else this.#events.splice(index, 1);
    this.#run('event', () => this.#receive(event));
  }

  #receive(event: ProcessorEvent): Promise<unknown> {
    const { processor, rawBody } = event;
    return receiveWebhook(this.#ports, {
      gateway: processor,
      rawBody,
      headers: { get: () => null },
    });
  }

  async #drainQueue(): Promise<void> {
    const hasNotices = this.shop.shard.state.hasNotices;
    for (const bookingId of new Set(this.shop.shard.wakeUps.splice(0))) {
      await advancePayment(this.#ports, { bookingId, cause: 'queue', look: false });
    }
    if (hasNotices) await advanceQuota(this.#ports);
  }

  /** The alarms of the members' objects: what was granted and not heard of again is asked for. */
  async #membersAsk(): Promise<void> {
    for (const member of this.shop.members.all().values()) await member.wake();
  }

  async #reconcile(byHand: boolean): Promise<void> {
    const report = await reconcile(this.#ports, { byHand });
    if (report.orphansVoided > 0) this.seen.add('an orphan was voided');
    if (report.orphansRefunded > 0) this.seen.add('an orphan was refunded');
    if (report.eventsHandled > 0) this.seen.add('the sweep handled an event');
  }

  /** A customer who was declined, or is tired of waiting, tries another way to pay for the same hold. */
  #payOtherwise(reply: object): void {
    const { value, refusal } = reply as { value?: BookingView; refusal?: Refusal };
    const declined = refusal?.code === 'payment_declined' ? refusal.extra?.['holdId'] : null;
    const holdId = declined ?? (value?.status === 'pending' ? value.holdId : null);
    const hold = typeof holdId === 'string' ? this.shop.shard.store.hold(holdId) : null;
    if (hold === null || this.chance.happens(0.4)) return;
    this.#open(
      this.shop.bookCommand(hold.id, somePayment(this.chance, this.#only), { by: hold.callerId }),
    );
  }

  #run(name: string, work: () => Promise<unknown>): void {
    this.#note(`start ${name}`);
    work().catch((error: unknown) => this.failures.push(error));
  }

  /** The process dies: memory, callers and messages under way are gone; storage and processors stay. */
  #crash(): void {
    this.#note('crash');
    if (this.turns.abandon() > 0) this.seen.add('a crash in the middle of calls');
    this.#calls.die();
    this.#messages = [];
    this.shop.shard.crash();
    for (const member of this.shop.members.all().values()) member.crash();
    this.shop.shard.wakeUps.length = 0;
  }

  #passTime(): void {
    const byMs = this.chance.pick([1_000, 5_000, 15_000, 30_000, 60_000, 121_000, 600_000, -2_000]);
    this.#note(`time ${byMs}`);
    this.shop.clock.advance(byMs);
    if (this.chance.happens(0.5)) return;
    this.#run('alarm', () => this.shop.shard.wake());
  }

  #payerActs(): void {
    const busy = this.processors.filter(({ objects }) => objects.size > 0);
    if (busy.length === 0) return;
    const processor = this.chance.pick(busy);
    const refs = [...processor.objects.keys()];
    const ref = this.chance.pick(refs.slice(-this.#reach));
    this.#note(`payer ${ref}`);
    if (this.chance.happens(this.#mix.aftermath)) actLater(this.chance, processor, ref);
    else payerActs({ chance: this.chance, processor, ref, seen: this.seen });
  }

  #someWish() {
    return { by: this.chance.pick(CUSTOMERS), budget: this.#only === null ? 3 : 1_000 };
  }

  #someBooking() {
    const rows = this.shop.shard.sql.rows(
      'SELECT id FROM booking ORDER BY rowid DESC LIMIT ?',
      this.#reach + 1,
    );
    return rows.length === 0
      ? null
      : this.shop.shard.store.booking(String(this.chance.pick(rows)['id']));
  }

  /** How far back somebody has something to do with what was begun. */
  get #reach(): number {
    return this.#only === null ? 3 : 15;
  }

  #note(text: string): void {
    this.log.push(`${this.shop.clock.nowMs()} ${text}`);
  }
}
