/** What one seed draws: how often things go wrong in its world, and how its customers want to pay. */
import type { PaymentChoice } from '../../src/domain/booking/booking.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import type { Features } from '../../src/domain/subscription/plan.ts';
import type { Chance } from '../support/fake-clock.ts';
import { METHODS, type Fault } from '../support/fake-processor.ts';
import { card, CRYPTO, ORDER } from '../support/node-shop.ts';

const FAULTS: readonly Fault[] = [
  'lost_before',
  'lost_after',
  'lost_late',
  'fault_before',
  'fault_after',
  'busy',
];

/** Who has a plan; the others book without one. */
export const PLANS: { readonly [customer: string]: Features } = {
  usr_ann: {
    'bookings.perPeriod': 5,
    'minutes.perPeriod': 600,
    'bookings.included': 2,
    'price.discountBps': 1_000,
  },
  usr_bob: { 'bookings.perPeriod': 1, 'overage.price': 300 },
};

/** How one seed behaves: each draws its own mix, so that what is rare on the whole is common somewhere. */
export interface Mix {
  readonly faults: number;
  readonly crashes: number;
  readonly payers: number;
  readonly jumps: number;
  readonly kinds: readonly Fault[];
  /** How often what comes after a sale happens: refunds by hand, disputes, money pushed twice. */
  readonly aftermath: number;
}

export function drawMix(chance: Chance): Mix {
  return {
    faults: chance.pick([0, 0.05, 0.15, 0.35]),
    crashes: chance.pick([0, 0.005, 0.03]),
    payers: chance.pick([0.05, 0.15]),
    jumps: chance.pick([0.02, 0.1]),
    kinds: FAULTS.filter(() => chance.happens(0.6)),
    aftermath: chance.pick([0, 0.1, 0.4]),
  };
}

/** How customers pay at one processor. */
const PAYMENTS: Record<Processor, readonly PaymentChoice[]> = {
  stripe: [
    card('pm_good'),
    card('pm_good'),
    card('pm_other'),
    card(METHODS.asksPayer),
    card(METHODS.asksPayer),
    card(METHODS.declines),
    card(METHODS.takesTime),
    card(METHODS.captureRefused),
    card(METHODS.refundPending),
    card(null),
  ],
  paypal: [ORDER],
  btcpay: [CRYPTO],
};

/** A way to pay; `only` keeps to one processor. */
export function somePayment(chance: Chance, only: Processor | null = null): PaymentChoice | null {
  if (only !== null) return chance.happens(0.05) ? null : chance.pick(PAYMENTS[only]);
  const { stripe, paypal, btcpay } = PAYMENTS;
  return chance.pick([...stripe, ...paypal, ...paypal, ...btcpay, ...btcpay, null]);
}
