/**
 * One member's subscription through a virtual year: the shipped billing over stores in memory, a processor that fails
 * now and then, a cron that is down for days, and a member who changes cards. Everything that happens is also written
 * down here, once more and as simply as can be, so that billing can be held against it.
 */
import { advanceSubscription } from '../../src/application/billing/advance-subscription.ts';
import type { BillingDeps } from '../../src/application/billing/billing-deps.ts';
import { cancelSubscription } from '../../src/application/billing/end-subscription.ts';
import { confirmInvoice, payInvoice } from '../../src/application/billing/pay-invoice.ts';
import { setPaymentMethod } from '../../src/application/billing/payment-method.ts';
import { runRenewals } from '../../src/application/billing/run-renewals.ts';
import { signUp } from '../../src/application/billing/sign-up.ts';
import type { Entitlements } from '../../src/contracts/membership-rpc.ts';
import type { PlanTerms } from '../../src/domain/subscription/plan.ts';
import type { Invoice, Subscription } from '../../src/domain/subscription/subscription.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { required } from '../../src/domain/assert.ts';
import { platformCalendar } from '../../src/platform/calendar.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { seededEntropy, FakeClock, type Chance } from '../support/fake-clock.ts';
import { FakeProcessor, type Fault, type SeenCall } from '../support/fake-processor.ts';
import { MemoryBillingStore } from '../support/memory-billing-store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long a processor waits for money that a payer has to send. */
const OFFER_MS = HOUR_MS / 4;

/** The cron comes once an hour; the product's comes more often, which only makes less happen at once. */
const CRON_EVERY_MS = HOUR_MS;

/** A time in which no cron ran. */
export interface Outage {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What one member is made of. */
export interface MemberPlan {
  readonly terms: PlanTerms;
  readonly timeZone: string;
  readonly signUpAtMs: number;
  readonly endAtMs: number;
  readonly chance: Chance;
  readonly outages: readonly Outage[];
  /** Who takes the money. At BTCPay nobody can be charged without being there. */
  readonly processor: Processor;
}

/** The member's access at one instant: what the gate would say, with what was known about payments then. */
export interface AccessSample {
  readonly atMs: number;
  readonly hasAccess: boolean;
  /** The end of the last period that had been paid by then. */
  readonly paidThroughMs: number;
  readonly isOver: boolean;
  /** The member has asked to leave at the end of the paid period. */
  readonly isLeaving: boolean;
}

/** What a year left behind. */
export interface MemberYear {
  readonly plan: MemberPlan;
  readonly subscription: Subscription;
  readonly invoices: readonly Invoice[];
  /** Captured at the processor, by its own books. */
  readonly captures: readonly { readonly ref: string; readonly amountMinor: number }[];
  readonly refundedMinor: number;
  readonly samples: readonly AccessSample[];
  readonly declines: number;
}

/** Charges that are refused in turn, until the member does something about it. */
const REFUSALS = [
  { kind: 'declined', code: 'insufficient_funds', retry: 'later', payment: null },
  { kind: 'declined', code: 'lost_card', retry: 'never', payment: null },
  { kind: 'declined', code: 'authentication_required', retry: 'payer', payment: null },
] as const;

export class VirtualMember {
  readonly #plan: MemberPlan;
  readonly #clock: FakeClock;
  readonly #store: MemoryBillingStore;
  readonly #processor: FakeProcessor;
  readonly #deps: BillingDeps;
  readonly #samples: AccessSample[] = [];
  readonly #caller: { readonly id: string; readonly roles: readonly [] };
  #pushed: Entitlements | null = null;
  /** Offers that the member has seen: nobody can pay one whose address was lost on its way to us. */
  readonly #seenOffers = new Set<string>();
  #isFaulty = false;
  #isLeaving = false;
  #declines = 0;
  #subscriptionId = '';

  constructor(plan: MemberPlan, seed: number) {
    this.#plan = plan;
    this.#clock = new FakeClock(plan.signUpAtMs);
    this.#store = new MemoryBillingStore({ region: 'global', clock: this.#clock });
    this.#processor = new FakeProcessor(this.#clock, plan.processor);
    this.#processor.faultFor = (call) => this.#fault(call);
    const entropy = seededEntropy(seed);
    const ids = createIdCodec('a secret of the year that is long enough', entropy);
    this.#caller = { id: ids.mintInRegion('usr', 'global'), roles: [] };
    const record = {
      id: plan.terms.planId,
      code: 'year',
      terms: plan.terms,
      status: 'published',
      createdAtMs: 0,
    } as const;
    this.#deps = {
      ids: { ...ids, open: (kind, text) => ids.open(kind, text) ?? openPlan(kind, text) },
      digest: systemDigest,
      entropy,
      clock: this.#clock,
      calendar: platformCalendar,
      plans: {
        onSale: async () => record,
        version: async () => record,
        migrationTarget: async () => null,
      },
      billing: () => this.#store,
      objects: { member: () => this.#membership() },
      gateways: { get: () => this.#processor, all: () => [this.#processor] },
      log: { info: ignore, warn: ignore, error: ignore },
    };
  }

  /** Lives the year, and then a month without faults. */
  async live(): Promise<MemberYear> {
    const { terms, timeZone, chance, endAtMs } = this.#plan;
    const asker = { caller: this.#caller, call: null };
    const payment = this.#payment();
    const signed = await signUp(this.#deps, asker, { planId: terms.planId, payment, timeZone });
    if (!signed.ok) throw new Error(`the sign-up was refused: ${signed.refusal.code}`);
    this.#subscriptionId = signed.value.subscription.id;
    if (this.#paysEachTime) {
      this.#processor.payerApproves(signed.value.charge?.ref ?? '');
      await this.#look();
    }
    this.#isFaulty = true;
    const leavesAtMs = chance.happens(0.05)
      ? this.#plan.signUpAtMs + chance.below(300) * DAY_MS
      : Number.POSITIVE_INFINITY;
    await this.#runUntil(endAtMs, leavesAtMs);
    this.#isFaulty = false;
    await this.#runUntil(endAtMs + 45 * DAY_MS, Number.POSITIVE_INFINITY);
    return this.#outcome();
  }

  async #runUntil(endAtMs: number, leavesAtMs: number): Promise<void> {
    const { chance } = this.#plan;
    for (;;) {
      const { subscription } = await this.#read();
      const nextAtMs = this.#nextCron(subscription.dueAtMs ?? Number.POSITIVE_INFINITY);
      if (leavesAtMs < Math.min(nextAtMs, endAtMs)) {
        await this.#passTo(leavesAtMs);
        leavesAtMs = Number.POSITIVE_INFINITY;
        await this.#leave();
        continue;
      }
      if (nextAtMs >= endAtMs) break;
      await this.#passTo(nextAtMs);
      await runRenewals({ ...this.#deps, send: noMessages }, { byHand: true });
      if (chance.happens(0.02)) this.#clock.set(this.#clock.nowMs() - 3 * HOUR_MS);
      if (chance.happens(0.1))
        await runRenewals({ ...this.#deps, send: noMessages }, { byHand: true });
      await this.#react();
    }
    await this.#passTo(endAtMs);
  }

  get #paysEachTime(): boolean {
    return this.#plan.processor === 'btcpay';
  }

  #payment() {
    const { processor } = this.#plan;
    return { processor, paymentMethod: this.#paysEachTime ? null : 'pm_card', returnUrl: null };
  }

  /** Time goes by, with looks at the member's access on the way. */
  async #passTo(atMs: number): Promise<void> {
    const fromMs = this.#clock.nowMs();
    if (atMs <= fromMs) return;
    const { chance } = this.#plan;
    const looks = Array.from({ length: 3 }, () => fromMs + chance.below(atMs - fromMs));
    const edges = [this.#edgeMs(), this.#edgeMs() - 1].filter(
      (edge) => edge > fromMs && edge < atMs,
    );
    for (const lookAtMs of [...looks, ...edges].toSorted((a, b) => a - b)) {
      this.#clock.set(lookAtMs);
      await this.#sample();
    }
    this.#clock.set(atMs);
    this.#endOffers();
  }

  /** What was offered to a payer is over after a quarter of an hour, and hardly ever does anybody hear of it. */
  #endOffers(): void {
    if (!this.#paysEachTime) return;
    for (const { ref, state, createdAtMs } of this.#processor.objects.values()) {
      const isOver = createdAtMs + OFFER_MS <= this.#clock.nowMs();
      if (state === 'action_required' && isOver) this.#processor.expire(ref);
    }
  }

  /** The instant at which access ends, as it was pushed: the most telling one to look at. */
  #edgeMs(): number {
    return this.#pushed?.validUntilMs ?? 0;
  }

  async #sample(): Promise<void> {
    const { subscription } = await this.#read();
    const atMs = this.#clock.nowMs();
    const pushed = this.#pushed;
    const paid = (await this.#invoices()).filter(({ state }) => state === 'paid');
    this.#samples.push({
      atMs,
      hasAccess: pushed !== null && pushed.planId !== null && pushed.validUntilMs > atMs,
      paidThroughMs: Math.max(...paid.map(({ periodEndMs }) => periodEndMs)),
      // What has ended stays so, though the clock may have gone back since.
      isOver: subscription.endedAtMs !== null,
      isLeaving: this.#isLeaving,
    });
  }

  /** Some members see to it soon, some late, some never. */
  async #react(): Promise<void> {
    const { openInvoice } = await this.#read();
    if (openInvoice === null || openInvoice.need === 'nothing') return;
    const { chance } = this.#plan;
    if (chance.happens(0.15)) return;
    await this.#passTo(this.#clock.nowMs() + chance.below(12 * DAY_MS));
    const link = { invoiceId: openInvoice.id, token: openInvoice.payToken };
    if (this.#paysEachTime) return this.#push(link);
    if (openInvoice.need === 'authentication') {
      await payInvoice(this.#deps, { ...link, returnUrl: 'https://holdfast.test/back' });
      await confirmInvoice(this.#deps, link);
      return;
    }
    await setPaymentMethod(this.#deps, {
      caller: this.#caller,
      subscriptionId: this.#subscriptionId,
      payment: this.#payment(),
    });
  }

  /** Pays what the page offers: mostly all of it, now and then too much, too little, or an offer that is over. */
  async #push(link: { readonly invoiceId: string; readonly token: string }): Promise<void> {
    const { chance, terms } = this.#plan;
    const paid = await payInvoice(this.#deps, { ...link, returnUrl: 'https://holdfast.test/back' });
    const offered = paid.ok ? (paid.value.charge?.ref ?? null) : null;
    if (offered !== null) this.#seenOffers.add(offered);
    const late = [...this.#processor.objects.values()].findLast(
      ({ ref, state }) => state === 'expired' && this.#seenOffers.has(ref),
    );
    const isLate = late !== undefined && chance.happens(0.1);
    const ref = isLate ? late.ref : offered;
    if (ref === null) return;
    const off = chance.pick([0, 0, 0, 0, 0, 0, 0, 0, 0, 250, -1]);
    this.#processor.payerApproves(ref, terms.priceMinor + off);
    if (isLate || chance.happens(0.8)) await this.#look();
  }

  /** An event, or the payer coming back: whatever the processor has is looked at. */
  async #look(): Promise<void> {
    const subscriptionId = this.#subscriptionId;
    const charges = (await this.#invoices()).map(({ id }) => this.#store.chargesOf(id));
    for (const { id } of (await Promise.all(charges)).flat()) {
      const asked = { subscriptionId, chargeId: id, cause: 'reconciler', look: true } as const;
      await advanceSubscription(this.#deps, asked);
    }
  }

  async #leave(): Promise<void> {
    const atPeriodEnd = this.#plan.chance.happens(0.5);
    const left = await cancelSubscription(this.#deps, {
      caller: this.#caller,
      subscriptionId: this.#subscriptionId,
      atPeriodEnd,
    });
    this.#isLeaving = left.ok && atPeriodEnd;
  }

  #fault({ kind }: SeenCall): Fault | null {
    if (!this.#isFaulty) return null;
    const { chance } = this.#plan;
    const luck = chance.fraction();
    if (luck < 0.02) return 'lost_before';
    if (luck < 0.04) return 'lost_after';
    if (luck < 0.05) return 'fault_before';
    if (luck < 0.06) return 'fault_after';
    if (luck < 0.07) return 'busy';
    if (kind !== 'confirm_charge' || luck > 0.13) return null;
    this.#declines += 1;
    return chance.pick(REFUSALS);
  }

  /** The first run of the cron from an instant on. */
  #nextCron(fromMs: number): number {
    if (!Number.isFinite(fromMs)) return fromMs;
    const nowMs = this.#clock.nowMs();
    const after = Math.max(fromMs, nowMs + 1);
    let atMs = Math.ceil(after / CRON_EVERY_MS) * CRON_EVERY_MS;
    for (const outage of this.#plan.outages) {
      if (atMs >= outage.fromMs && atMs < outage.toMs)
        atMs = Math.ceil(outage.toMs / CRON_EVERY_MS) * CRON_EVERY_MS;
    }
    return atMs;
  }

  #membership() {
    return {
      putEntitlements: async (entitlements: Entitlements) => {
        if (this.#pushed === null || this.#pushed.version <= entitlements.version)
          this.#pushed = entitlements;
      },
    } as ReturnType<BillingDeps['objects']['member']>;
  }

  async #outcome(): Promise<MemberYear> {
    // Whatever a webhook or the reconciliation would still find is looked at once.
    await this.#look();
    const objects = [...this.#processor.objects.values()];
    return {
      plan: this.#plan,
      subscription: (await this.#read()).subscription,
      invoices: await this.#invoices(),
      captures: objects
        .filter(({ capturedMinor }) => capturedMinor > 0)
        .map(({ ref, capturedMinor }) => ({ ref, amountMinor: capturedMinor })),
      refundedMinor: objects.reduce((sum, { refundedMinor }) => sum + refundedMinor, 0),
      samples: this.#samples,
      declines: this.#declines,
    };
  }

  async #read() {
    return required(await this.#store.load(this.#subscriptionId), 'the subscription is there');
  }

  #invoices(): Promise<Invoice[]> {
    return this.#store.invoicesOf({
      subscriptionId: this.#subscriptionId,
      before: null,
      limit: 1_000,
    });
  }
}

/** The plan of the year has an id of its own making. */
function openPlan(kind: string, text: string) {
  return kind === 'pln' ? { kind: 'pln' as const, locator: 'g', signed: text, check: '' } : null;
}

async function noMessages(): Promise<void> {
  throw new Error('a run by hand sends nothing');
}

function ignore(): void {
  // What is logged is not looked at here.
}
