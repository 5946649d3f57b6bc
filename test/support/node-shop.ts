/**
 * A shop in a Node shard: one court at 25.00 an hour, slots from tomorrow on, customers and members, and three
 * processors in memory.
 */
import {
  actAsSeller,
  cancelWithRefund,
  checkOut,
  confirmPayment,
  giveUpHold,
  moveBooking,
  refundBooking,
} from '../../src/application/checkout.ts';
import { holdSlots } from '../../src/application/admit-hold.ts';
import { advancePayment } from '../../src/application/advance-payment.ts';
import type { GatewayRegistry, Logger } from '../../src/application/ports.ts';
import { advanceQuota } from '../../src/application/quota-notices.ts';
import type { Caller, KeyedReply } from '../../src/contracts/calls.ts';
import type {
  ClaimRequest,
  HoldOrigin,
  OpenBookingCommand,
  PlaceHoldCommand,
  SellerDeed,
} from '../../src/contracts/durable-rpc.ts';
import type { AccessVerdict } from '../../src/contracts/membership-rpc.ts';
import type { AdvanceCause } from '../../src/contracts/payment-steps.ts';
import type { MoneyFact } from '../../src/contracts/shard-streams.ts';
import type { BookingView, HoldView, RefundView } from '../../src/contracts/http/booking.ts';
import type { Booking, Payment, PaymentChoice } from '../../src/domain/booking/booking.ts';
import type { RefusalCode } from '../../src/domain/codes.ts';
import { NO_ACCESS, type Hold } from '../../src/domain/hold/hold.ts';
import type { Fare, ResourceCard, ServiceCard } from '../../src/domain/inventory/cards.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { makeResourceCard, makeServiceCard } from './cards.ts';
import { FakeClock, NOON_MS } from './fake-clock.ts';
import { FakeProcessor } from './fake-processor.ts';
import { NodeMembers } from './node-members.ts';
import { NodeShard, OWNER, SHARD_KEY } from './node-shard.ts';

/** Noon of the day after the test's now. */
export const TOMORROW_MS = NOON_MS + DAY_MS;

export const SILENT: Logger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A slot to be made: minutes after tomorrow noon, an hour long unless it says otherwise. */
export interface SlotWish {
  readonly at: number;
  readonly minutes?: number;
  readonly capacity?: number;
  readonly resourceId?: string;
  readonly serviceId?: string;
  readonly priceMinor?: number;
  readonly fares?: readonly Fare[];
}

/** What is asked of a hold or a booking, with what a test seldom cares about left out. */
export interface Wish {
  readonly by?: string;
  readonly key?: string;
  readonly quantity?: number;
  readonly units?: readonly string[];
  readonly fareId?: string;
  readonly couponCode?: string;
  readonly access?: AccessVerdict;
  readonly budget?: number;
  /** Somebody else than a customer of this id. */
  readonly as?: Caller;
  readonly origin?: HoldOrigin;
}

/** A hold or booking as somebody asks for it, before Membership has been asked. */
type Unadmitted<T> = Omit<T, 'access'>;

export interface ShopOptions {
  readonly service?: Partial<ServiceCard>;
  readonly services?: readonly Partial<ServiceCard>[];
  readonly resources?: readonly Partial<ResourceCard>[];
  readonly slots?: readonly SlotWish[];
  readonly seed?: number;
  /** A processor that this deployment is not configured for. */
  readonly without?: Processor;
}

export class NodeShop {
  readonly clock = new FakeClock();
  readonly shard: NodeShard;
  readonly members: NodeMembers;
  readonly stripe = new FakeProcessor(this.clock);
  readonly btcpay = new FakeProcessor(this.clock, 'btcpay');
  readonly paypal = new FakeProcessor(this.clock, 'paypal');
  readonly gateways: GatewayRegistry = {
    get: (name) => this.gateways.all().find(({ processor }) => processor === name) ?? null,
    all: () =>
      [this.stripe, this.btcpay, this.paypal].filter(
        ({ processor }) => processor !== this.#without,
      ),
  };
  readonly slotIds: string[] = [];
  readonly #without: Processor | null;
  #keys = 0;

  private constructor(seed: number, without: Processor | null) {
    this.#without = without;
    this.shard = new NodeShard(this.clock, seed);
    this.members = new NodeMembers(this.clock, this.shard);
  }

  /** Builds the shop; without options one court, one service and three slots an hour apart. */
  static async open(options: ShopOptions = {}): Promise<NodeShop> {
    const shop = new NodeShop(options.seed ?? 1, options.without ?? null);
    for (const resource of options.resources ?? [{}]) {
      const { version: _v, active: _a, ...fields } = makeResourceCard(resource);
      await shop.shard.putResource({ caller: OWNER, card: fields });
    }
    for (const service of options.services ?? [options.service ?? {}]) {
      const { version: _, ...fields } = makeServiceCard(service);
      await shop.shard.putService({ caller: OWNER, card: fields });
    }
    const slots = options.slots ?? [{ at: 0 }, { at: 60 }, { at: 120 }];
    for (const slot of slots) shop.slotIds.push(await shop.addSlot(slot));
    return shop;
  }

  async addSlot(wish: SlotWish): Promise<string> {
    const startAtMs = TOMORROW_MS + wish.at * MINUTE_MS;
    const reply = await this.shard.createSlots({
      caller: OWNER,
      call: null,
      serviceId: wish.serviceId ?? makeServiceCard().id,
      slots: [
        {
          startAtMs,
          endAtMs: startAtMs + (wish.minutes ?? 60) * MINUTE_MS,
          resourceId: wish.resourceId ?? null,
          capacity: wish.capacity ?? null,
          priceMinor: wish.priceMinor ?? null,
          priceCurrency: null,
          fares: wish.fares ?? null,
        },
      ],
    });
    const id = reply.ok ? reply.value.data[0]?.id : undefined;
    if (id === undefined) throw new Error('the slot was refused');
    return id;
  }

  slot(index = 0): string {
    const id = this.slotIds[index];
    if (id === undefined) throw new Error(`the shop has no slot ${index}`);
    return id;
  }

  holdCommand(slotIds: readonly string[], wish: Wish = {}): PlaceHoldCommand {
    const claim: ClaimRequest = {
      slotIds,
      quantity: wish.quantity ?? null,
      units: wish.units ?? null,
      fareId: wish.fareId ?? null,
    };
    return {
      caller: wish.as ?? customer(wish.by),
      call: { key: wish.key ?? this.freshKey(), fingerprint: JSON.stringify(claim) },
      access: wish.access ?? NO_ACCESS,
      claim,
      holdBudget: wish.budget ?? 100,
      ...(wish.origin === undefined ? {} : { origin: wish.origin }),
    };
  }

  /** A hold with a verdict of the test's own. */
  hold(slotIds: readonly string[], wish: Wish = {}): Promise<KeyedReply<HoldView>> {
    return this.shard.placeHold(this.holdCommand(slotIds, wish));
  }

  /** `POST /v1/holds`, all the way. */
  admitted(
    slotIds: readonly string[] = [this.slot()],
    wish: Unadmitted<Wish> = {},
  ): Promise<KeyedReply<HoldView>> {
    const { couponCode = null } = wish;
    return holdSlots(this.ports, { ...this.holdCommand(slotIds, wish), couponCode });
  }

  /** A hold that must be had. */
  async held(slotIds: readonly string[] = [this.slot()], wish: Wish = {}): Promise<HoldView> {
    return given(await this.hold(slotIds, wish));
  }

  bookCommand(
    target: string | readonly string[],
    payment: PaymentChoice | null,
    wish: Unadmitted<Wish> = {},
  ): OpenBookingCommand {
    const { claim, ...command } = this.holdCommand(Array.isArray(target) ? target : [], wish);
    const call = {
      ...command.call,
      fingerprint: JSON.stringify([target, payment, claim.quantity, claim.units]),
    };
    return {
      ...command,
      call,
      target: typeof target === 'string' ? { holdId: target } : { claim },
      payment,
      canReserve: payment !== null && payment.processor !== 'btcpay',
    };
  }

  /** `POST /v1/bookings`, all the way. */
  book(
    target: string | readonly string[],
    payment: PaymentChoice | null = card(),
    wish: Unadmitted<Wish> = {},
  ): Promise<KeyedReply<BookingView>> {
    const { couponCode = null } = wish;
    return checkOut(this.ports, { ...this.bookCommand(target, payment, wish), couponCode });
  }

  /** A booking that must be answered as such. */
  async booked(
    target: string | readonly string[] = [this.slot()],
    payment: PaymentChoice | null = card(),
    wish: Unadmitted<Wish> = {},
  ): Promise<BookingView> {
    return given(await this.book(target, payment, wish));
  }

  cancel(
    bookingId: string,
    wish: { by?: Caller; key?: string; slotIds?: readonly string[]; manageToken?: string } = {},
  ): Promise<KeyedReply<BookingView>> {
    const { manageToken, slotIds } = wish;
    return cancelWithRefund(this.ports, {
      caller: wish.by ?? customer(),
      call: {
        key: wish.key ?? this.freshKey(),
        fingerprint: `${bookingId} ${slotIds?.join(' ') ?? 'all'}`,
      },
      bookingId,
      reason: null,
      ...(slotIds === undefined ? {} : { slotIds }),
      ...(manageToken === undefined ? {} : { manageToken }),
    });
  }

  /** `POST /v1/bookings/{id}/reschedule`, all the way. */
  reschedule(
    bookingId: string,
    slotIds: readonly string[],
    wish: { by?: Caller; key?: string; payment?: PaymentChoice } = {},
  ): Promise<KeyedReply<BookingView>> {
    return moveBooking(this.ports, {
      payment: wish.payment ?? null,
      caller: wish.by ?? customer(),
      call: {
        key: wish.key ?? this.freshKey(),
        fingerprint: `${bookingId} ${slotIds.join(' ')}`,
      },
      bookingId,
      slotIds,
    });
  }

  /** What the seller does with a booking, all the way. */
  act(
    bookingId: string,
    deed: SellerDeed,
    wish: { by?: Caller; key?: string } = {},
  ): Promise<KeyedReply<BookingView>> {
    return actAsSeller(this.ports, {
      caller: wish.by ?? OWNER,
      call: {
        key: wish.key ?? this.freshKey(),
        fingerprint: `${bookingId} ${JSON.stringify(deed)}`,
      },
      bookingId,
      deed,
    });
  }

  /** `POST /v1/bookings/{id}/refunds`, all the way; without an amount all that is left. */
  refund(
    bookingId: string,
    wish: { amount?: number; by?: Caller; key?: string; currency?: string } = {},
  ): Promise<KeyedReply<RefundView>> {
    const { amount, currency = 'usd' } = wish;
    return refundBooking(this.ports, {
      caller: wish.by ?? OWNER,
      call: { key: wish.key ?? this.freshKey(), fingerprint: `${bookingId} ${amount ?? 'all'}` },
      bookingId,
      amount: amount === undefined ? null : { amount, currency },
      reason: 'goodwill',
    });
  }

  /** The facts of money that the ledger is told, oldest first. */
  async facts(): Promise<readonly MoneyFact[]> {
    return (await this.shard.readMoney({ afterSeq: 0, limit: 100_000 })).facts;
  }

  giveUp(holdId: string, by = 'usr_ann') {
    return giveUpHold(this.ports, { caller: customer(by), holdId });
  }

  confirm(bookingId: string, by = 'usr_ann') {
    return confirmPayment(this.ports, { caller: customer(by), bookingId });
  }

  /** Somebody looks at a booking's money. */
  advance(bookingId: string, cause: AdvanceCause = 'webhook', look = true) {
    return advancePayment(this.ports, { bookingId, cause, look });
  }

  /** Lets time pass and the queue do what the shard asks of it. */
  async pass(byMs: number): Promise<void> {
    this.clock.advance(byMs);
    await this.shard.wake();
    await this.drain();
  }

  /** The queue works off what it was told. */
  async drain(): Promise<void> {
    for (const bookingId of new Set(this.shard.wakeUps.splice(0))) {
      await this.advance(bookingId, 'queue', true);
    }
  }

  bookingRow(id: string): Booking {
    return must(this.shard.store.booking(id));
  }

  holdRow(id: string): Hold {
    return must(this.shard.store.hold(id));
  }

  payments(bookingId: string): Payment[] {
    return this.shard.store.paymentsOf(bookingId);
  }

  /** The latest attempt. */
  payment(bookingId: string): Payment {
    return must(this.payments(bookingId).at(-1) ?? null);
  }

  async slotStatus(id: string = this.slot()): Promise<string> {
    const reply = await this.shard.getSlot(id);
    return reply.ok ? reply.value.status : reply.refusal.code;
  }

  /** What the calls to the card processor were, in order. */
  calls(): string[] {
    return this.stripe.calls.map(({ kind }) => kind);
  }

  freshKey(): string {
    this.#keys += 1;
    return `key-${this.#keys}`;
  }

  /** The queue tells members what the shard's outbox has for them. */
  tellMembers(): Promise<void> {
    return advanceQuota(this.ports);
  }

  get ports() {
    return {
      shardKey: SHARD_KEY,
      shard: this.shard,
      objects: this.members,
      digest: systemDigest,
      gateways: this.gateways,
      log: SILENT,
    };
  }
}

export function customer(id = 'usr_ann'): Caller {
  return { id, roles: ['customer'] };
}

export function guest(id = 'gst_eve'): Caller {
  return { id, roles: ['guest'] };
}

/** Payment by card with a method that the customer chose before. */
export function card(paymentMethod: string | null = 'pm_good'): PaymentChoice {
  return { processor: 'stripe', paymentMethod, returnUrl: null };
}

/** Payment by an order that the payer approves. */
export const ORDER: PaymentChoice = { processor: 'paypal', paymentMethod: null, returnUrl: null };

export const CRYPTO: PaymentChoice = { processor: 'btcpay', paymentMethod: null, returnUrl: null };

/** The value of a reply that must be one. */
export function given<T>(reply: { ok: true; value: T } | { ok: false; refusal: object }): T {
  if (!reply.ok) throw new Error(`refused: ${JSON.stringify(reply.refusal)}`);
  return reply.value;
}

/** The code of a reply that must be a refusal. */
export function codeOf(
  reply: { ok: true; value: unknown } | { ok: false; refusal: { code: RefusalCode } },
): RefusalCode | 'accepted' {
  return reply.ok ? 'accepted' : reply.refusal.code;
}

function must<T>(value: T | null): T {
  if (value === null) throw new Error('there is no such row');
  return value;
}
