/**
 * Billing on Node: the real use cases over stores in memory, a processor in memory, a clock that stands until it is moved,
 * and members that write down what they are told. Everything that outlives the process goes through one lifeline, so that
 * a test can have the process die before or after any one of them.
 */
import type { PlanRecord, PlanStore } from '../../src/application/billing-ports.ts';
import type { BillingDeps } from '../../src/application/billing/billing-deps.ts';
import { runRenewals, type RenewalsReport } from '../../src/application/billing/run-renewals.ts';
import { signUp } from '../../src/application/billing/sign-up.ts';
import type { ObjectDirectory, PaymentGateway } from '../../src/application/ports.ts';
import type { Caller } from '../../src/contracts/calls.ts';
import type {
  AccessVerdict,
  AdmitReply,
  Entitlements,
  MembershipRpc,
  MembershipUsage,
} from '../../src/contracts/membership-rpc.ts';
import { required } from '../../src/domain/assert.ts';
import type { PaymentChoice } from '../../src/domain/booking/booking.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import type { RefusalCode } from '../../src/domain/codes.ts';
import { regionOf, type DataRegion } from '../../src/domain/ids.ts';
import type { Result } from '../../src/domain/result.ts';
import type { PlanTerms } from '../../src/domain/subscription/plan.ts';
import type { Subscription } from '../../src/domain/subscription/subscription.ts';
import { platformCalendar } from '../../src/platform/calendar.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { FakeClock, NOON_MS, seededEntropy } from './fake-clock.ts';
import { FakeProcessor } from './fake-processor.ts';
import { MemoryBillingStore } from './memory-billing-store.ts';

/** What a plan of a test is unless the test says otherwise. */
export const MONTHLY: Omit<PlanTerms, 'planId' | 'version'> = {
  group: 'membership',
  name: 'Club',
  priceMinor: 3_000,
  currency: 'usd',
  interval: { unit: 'month', count: 1 },
  trialDays: 0,
  trialNeedsMethod: true,
  trialEnd: 'cancel',
  graceDays: 7,
  dunningDays: [1, 3, 5],
  cancelAfterDays: 28,
  changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
  cancelRefund: 'none',
  tax: { rateBps: 0, inclusive: true },
  entitlements: { 'access.members': true },
};

/** Thrown by everything that outlives the process, from the moment of its death on. */
export class Death extends Error {}

/**
 * Counts what outlives the process (writes, pushes, calls of a processor), and ends the process at one of them.
 * before: it never happened. after: it happened, and nobody heard of it.
 */
export class Lifeline {
  /** What happened since the last restart, by name. */
  readonly seen: string[] = [];
  #death: { atEffect: number; when: 'before' | 'after' } | null = null;
  #isDead = false;

  dieAt(atEffect: number, when: 'before' | 'after'): void {
    this.#death = { atEffect, when };
  }

  /** A new process: nothing of the old one is left but what was written. */
  restart(): void {
    this.seen.length = 0;
    this.#death = null;
    this.#isDead = false;
  }

  /** The same object, with the named methods on the line. */
  watch<T extends object>(target: T, effects: ReadonlySet<string>): T {
    return new Proxy(target, {
      get: (object, name) => {
        const member: unknown = Reflect.get(object, name, object);
        if (typeof member !== 'function') return member;
        const call = member.bind(object) as (...given: unknown[]) => Promise<unknown>;
        if (typeof name !== 'string' || !effects.has(name)) return call;
        return async (...given: unknown[]) => this.#take(name, () => call(...given));
      },
    });
  }

  async #take(name: string, effect: () => Promise<unknown>): Promise<unknown> {
    if (this.#isDead) throw new Death(name);
    this.seen.push(name);
    const isLast = this.#death?.atEffect === this.seen.length;
    if (isLast && this.#death?.when === 'before') this.#die(name);
    const answer = await effect();
    if (isLast) this.#die(name);
    return answer;
  }

  #die(name: string): never {
    this.#isDead = true;
    throw new Death(name);
  }
}

const WRITES = new Set(['insert', 'save', 'markPushed']);
const PUSHES = new Set(['putEntitlements']);
const CALLS = new Set([
  'openCustomer',
  'openCharge',
  'confirmCharge',
  'openSetup',
  'confirmSetup',
  'cancelSetup',
  'void',
  'refund',
]);

/** A member that writes down what it is told, and keeps the newest of each group as the real one does. */
export class RecordingMember implements MembershipRpc {
  /** Everything that was pushed, in order, repeats included. */
  readonly pushes: Entitlements[] = [];
  readonly #newest = new Map<string, Entitlements>();

  async putEntitlements(entitlements: Entitlements): Promise<void> {
    this.pushes.push(entitlements);
    const known = this.#newest.get(entitlements.group);
    if (known === undefined || known.version < entitlements.version)
      this.#newest.set(entitlements.group, entitlements);
  }

  /** What the member's plans of a group allow at an instant; null for nothing. */
  grants(nowMs: number, group = 'membership'): Entitlements | null {
    const known = this.#newest.get(group) ?? null;
    return known !== null && known.planId !== null && known.validUntilMs > nowMs ? known : null;
  }

  async admit(): Promise<AdmitReply> {
    throw new Error('nobody books in a test of billing');
  }

  async standing(): Promise<AccessVerdict> {
    throw new Error('nobody books in a test of billing');
  }

  async settle(): Promise<void> {
    throw new Error('nobody books in a test of billing');
  }

  async usage(): Promise<MembershipUsage> {
    return { memberships: [] };
  }
}

/** Everybody who was ever named. */
export class RecordingMembers implements Pick<ObjectDirectory, 'member'> {
  readonly #members = new Map<string, RecordingMember>();

  member(id: string): RecordingMember {
    const known = this.#members.get(id) ?? new RecordingMember();
    this.#members.set(id, known);
    return known;
  }
}

/** Plans in memory: numbered versions, of which one may be on sale. */
export class ShopPlans implements Pick<PlanStore, 'onSale' | 'version' | 'migrationTarget'> {
  readonly #records = new Map<string, PlanRecord>();
  readonly #targets = new Map<string, number>();
  readonly #mint: () => string;

  constructor(mint: () => string) {
    this.#mint = mint;
  }

  /** Puts a new plan on sale, or a further version of one that is there. */
  sell(terms: Partial<PlanTerms> = {}): PlanTerms {
    const planId = terms.planId ?? this.#mint();
    const before = this.#versionsOf(planId).at(-1);
    const version = (before?.terms.version ?? 0) + 1;
    const sold = { ...(before?.terms ?? MONTHLY), ...terms, planId, version };
    this.retire(planId);
    this.#put({ id: planId, code: planId, terms: sold, status: 'published', createdAtMs: 0 });
    return sold;
  }

  retire(planId: string): void {
    for (const record of this.#versionsOf(planId)) this.#put({ ...record, status: 'retired' });
  }

  /** Subscribers of older versions are to move to the newest one. */
  migrate(planId: string): void {
    const newest = required(this.#versionsOf(planId).at(-1), 'a plan that is there');
    this.#targets.set(planId, newest.terms.version);
  }

  async onSale(planId: string): Promise<PlanRecord | null> {
    return this.#versionsOf(planId).find(({ status }) => status === 'published') ?? null;
  }

  async version(planId: string, version: number): Promise<PlanRecord | null> {
    return this.#records.get(`${planId} ${version}`) ?? null;
  }

  async migrationTarget(planId: string): Promise<number | null> {
    return this.#targets.get(planId) ?? null;
  }

  #versionsOf(planId: string): PlanRecord[] {
    return [...this.#records.values()].filter(({ id }) => id === planId);
  }

  #put(record: PlanRecord): void {
    this.#records.set(`${record.id} ${record.terms.version}`, record);
  }
}

export interface BillingShopOptions {
  readonly nowMs?: number;
  readonly seed?: number;
  readonly calendar?: BillingDeps['calendar'];
  /** Who takes the money; Stripe unless it says otherwise. */
  readonly processor?: Processor;
}

export interface BillingShop {
  readonly deps: BillingDeps;
  readonly clock: FakeClock;
  readonly store: (region?: DataRegion) => MemoryBillingStore;
  readonly plans: ShopPlans;
  readonly gateway: FakeProcessor;
  readonly members: RecordingMembers;
  readonly lifeline: Lifeline;
  /** What was logged as a warning or an error, by event. */
  readonly alarms: string[];
  /** A signed-in member by name. */
  readonly caller: (name?: string, region?: DataRegion) => Caller;
  /** The cron, by hand: everything that is due now is advanced. */
  readonly run: () => Promise<RenewalsReport>;
  /** Lets time pass, then runs the cron. */
  readonly pass: (byMs: number) => Promise<RenewalsReport>;
}

/** What a member of a test asks for at sign-up. */
export interface ShopSignUp {
  readonly by?: Caller;
  readonly key?: string;
  readonly payment?: PaymentChoice | null;
  readonly timeZone?: string;
}

/** Payment by card with a method that the member chose before. */
export function card(paymentMethod: string | null = 'pm_good'): PaymentChoice {
  return { processor: 'stripe', paymentMethod, returnUrl: null };
}

/** A sign-up, refused or not. */
export function ask(shop: BillingShop, planId: string, wish: ShopSignUp = {}) {
  const { by = shop.caller(), key, payment = card(), timeZone = 'UTC' } = wish;
  const call = key === undefined ? null : { key, fingerprint: key };
  return signUp(shop.deps, { caller: by, call }, { planId, payment, timeZone });
}

/** A subscription to a plan of these terms, as it stands after its sign-up. */
export async function subscribe(
  shop: BillingShop,
  terms: Partial<PlanTerms> = {},
  wish: ShopSignUp = {},
): Promise<Subscription> {
  const { planId } = shop.plans.sell(terms);
  return valueOf(await ask(shop, planId, wish)).subscription;
}

/** Everything that stands of a subscription: itself, all its invoices and all their charges, oldest first. */
export async function booksOf(shop: BillingShop, { id }: { readonly id: string }) {
  const store = shop.store(regionOf(id.slice('sub_'.length)));
  const account = required(await store.load(id), 'a subscription that is there');
  const newestFirst = await store.invoicesOf({ subscriptionId: id, before: null, limit: 500 });
  // Invoices of one instant, as a late cron writes them, are in the order of their periods.
  const invoices = newestFirst.toSorted(
    (x, y) => x.createdAtMs - y.createdAtMs || x.periodStartMs - y.periodStartMs,
  );
  const charges = await Promise.all(invoices.map((invoice) => store.chargesOf(invoice.id)));
  return { ...account, invoices, charges: charges.flat(), open: account.charges };
}

/** The value of a result that must be one. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
  return result.value;
}

/** The code of a result that must be a refusal. */
export function codeOf(result: Result<unknown>): RefusalCode | 'accepted' {
  return result.ok ? 'accepted' : result.refusal.code;
}

/** A shop of its own: nothing is shared with another. */
export function makeBillingShop(options: BillingShopOptions = {}): BillingShop {
  const clock = new FakeClock(options.nowMs ?? NOON_MS);
  const entropy = seededEntropy(options.seed ?? 1);
  const ids = createIdCodec('secret', entropy);
  const stores = {
    global: new MemoryBillingStore({ region: 'global', clock }),
    eu: new MemoryBillingStore({ region: 'eu', clock }),
  };
  const members = new RecordingMembers();
  const gateway = new FakeProcessor(clock, options.processor);
  const lifeline = new Lifeline();
  const alarms: string[] = [];
  const note = (event: string): void => {
    alarms.push(event);
  };
  const plans = new ShopPlans(() => ids.mintInRegion('pln', 'global'));
  const watched = watchGateway(lifeline, gateway);
  const deps: BillingDeps = {
    clock,
    entropy,
    ids,
    digest: systemDigest,
    calendar: options.calendar ?? platformCalendar,
    plans,
    billing: (region) => lifeline.watch(stores[region], WRITES),
    objects: { member: (id) => lifeline.watch(members.member(id), PUSHES) },
    gateways: {
      get: (processor) => (processor === gateway.processor ? watched : null),
      all: () => [watched],
    },
    log: { info: () => undefined, warn: note, error: note },
  };
  const run = () => runRenewals({ ...deps, send: async () => undefined }, { byHand: true });
  return {
    deps,
    clock,
    store: (region = 'global') => stores[region],
    plans,
    gateway,
    members,
    lifeline,
    alarms,
    caller: (name = 'ann', region = 'global') => ({
      id: ids.deriveInRegion('usr', region, name),
      roles: ['customer'],
    }),
    run,
    pass: (byMs) => {
      clock.advance(byMs);
      return run();
    },
  };
}

function watchGateway(lifeline: Lifeline, gateway: FakeProcessor): PaymentGateway {
  const recurring = lifeline.watch(gateway.recurring, CALLS);
  const watched = lifeline.watch<PaymentGateway>(gateway, CALLS);
  return new Proxy(watched, {
    get: (object, name): unknown =>
      name === 'recurring' ? recurring : Reflect.get(object, name, object),
  });
}
