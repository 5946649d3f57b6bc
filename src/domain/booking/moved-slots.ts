/**
 * Slots of a booking that give way to others of the same services: which takes the place of which, at what price, and under
 * which ladder. What was agreed for the others stays. Pure; called where a booking is rescheduled.
 */
import type { CouponTerms } from '../hold/coupon-terms.ts';
import type { HoldItem, Quote } from '../hold/hold.ts';
import { PLAIN_TERMS, priceHold, type HoldPrice } from '../hold/pricing.ts';
import type { QuotaUses } from '../hold/quota.ts';
import { fareOf, pricedThing } from '../hold/slot-price.ts';
import type { CancellationRung, ServiceCard, Slot } from '../inventory/cards.ts';
import { allocate, scaled } from '../money.ts';
import type { EpochMs } from '../time.ts';
import { refundDue, refundPercent } from './cancellation-policy.ts';

/** A slot with its service. */
interface Line {
  readonly slot: Slot;
  readonly service: ServiceCard;
}

/** A slot of a booking, and the one that takes its place. */
export interface Move {
  readonly item: HoldItem;
  readonly line: Line;
}

/** What a booking becomes: money is due, or goes back, or neither. */
export interface MovedSale {
  readonly items: readonly HoldItem[];
  readonly quote: Quote;
  readonly dueMinor: number;
  readonly backMinor: number;
}

/** What the booking's people agreed on, apart from its slots. */
export interface MoveTerms {
  readonly quantity: number;
  readonly fareId: string | null;
  /** What the slots that give way took of counted limits: their share moves with them, and no more is taken. */
  readonly shares: readonly QuotaUses[];
  /** What the customer's plan takes off now. */
  readonly discountBps: number;
  /** What is left of a coupon for them; null for none. */
  readonly coupon: CouponTerms | null;
}

/** Each slot with its successor: of the same service, in order of start. Null where they do not match one to one. */
export function pairMoves(items: readonly HoldItem[], lines: readonly Line[]): Move[] | null {
  if (items.length !== lines.length) return null;
  const left = lines.toSorted((a, b) => a.slot.startAtMs - b.slot.startAtMs);
  const moves: Move[] = [];
  for (const item of items.toSorted((a, b) => a.startAtMs - b.startAtMs)) {
    const index = left.findIndex(({ service }) => service.id === item.serviceId);
    const [line] = index < 0 ? [] : left.splice(index, 1);
    if (line === undefined) return null;
    moves.push({ item, line });
  }
  return moves;
}

/** What the new slots cost, on the terms of a hold of them that takes what the old ones had taken. */
export function priceMoves(moves: readonly Move[], quote: Quote, terms: MoveTerms): HoldPrice {
  const total = (use: 'included' | 'overage'): number =>
    sum(terms.shares.map((share) => share[use]));
  const overage = total('overage');
  const charged = quote.lines.find(({ kind }) => kind === 'overage')?.amount ?? 0;
  return priceHold(
    moves.map(({ line }) => pricedThing(line, terms.fareId)),
    terms.quantity,
    {
      ...PLAIN_TERMS,
      discountBps: terms.discountBps,
      coupon: terms.coupon,
      included: total('included'),
      overage,
      overagePrice:
        overage === 0 ? null : { amount: Math.trunc(charged / overage), currency: quote.currency },
    },
  );
}

/**
 * The booking with the new slots, at their prices. What makes it dearer is due. Of what makes it cheaper the ladder of the
 * old slots decides how much goes back, so that nobody moves to get what a cancellation would keep; the rest stays the
 * price of the new slot. `commissionBps`: of each new slot.
 */
export function movedSale(
  sale: { readonly items: readonly HoldItem[]; readonly quote: Quote },
  moves: readonly Move[],
  moved: {
    price: HoldPrice;
    nowMs: EpochMs;
    fareId: string | null;
    commissionBps: (line: Line) => number;
  },
): MovedSale {
  const { price, nowMs } = moved;
  const prices = moves.map((_, index) => price.slots[index]?.priceMinor ?? 0);
  const cheaper = moves.map(({ item }, index) =>
    Math.max(item.priceMinor - (prices[index] ?? 0), 0),
  );
  const differenceMinor = sum(prices) - sum(moves.map(({ item }) => item.priceMinor));
  const byLadder = sum(
    moves.map(({ item }, index) =>
      refundDue(cheaper[index] ?? 0, { ...item, cancelledAtMs: nowMs }),
    ),
  );
  const backMinor = Math.min(byLadder, Math.max(-differenceMinor, 0));
  const keptMinor = Math.max(-differenceMinor, 0) - backMinor;
  const kept = keptMinor === 0 ? cheaper.map(() => 0) : allocate(keptMinor, cheaper);
  const successors = new Map(
    moves.map(({ item, line }, index): [HoldItem, HoldItem] => {
      const keptOfIt = kept[index] ?? 0;
      const priced = price.slots[index];
      const taxOfKept =
        item.priceMinor === 0 ? 0 : scaled(item.taxMinor, { by: keptOfIt, over: item.priceMinor });
      return [
        item,
        {
          ...atSlot(item, line, moved.fareId),
          priceMinor: (priced?.priceMinor ?? 0) + keptOfIt,
          taxMinor: (priced?.taxMinor ?? 0) + taxOfKept,
          tax: line.service.tax,
          policy: cappedPolicy(
            line.service.cancellationPolicy,
            refundPercent({ ...item, cancelledAtMs: nowMs }),
          ),
          noShowFeeMinor: line.service.noShowFee?.amount ?? null,
          commissionBps: moved.commissionBps(line),
        },
      ];
    }),
  );
  return {
    items: sale.items.map((item) => successors.get(item) ?? item),
    quote: movedQuote(sale.quote, moves, { price, keptMinor }),
    dueMinor: Math.max(differenceMinor, 0),
    backMinor,
  };
}

/** The booking with the new slots at what was agreed for the old ones: its seller moves it, and nobody pays for that. */
export function movedAsAgreed(
  items: readonly HoldItem[],
  moves: readonly Move[],
  fareId: string | null,
): HoldItem[] {
  return items.map((item) => {
    const move = moves.find((one) => one.item === item);
    return move === undefined ? item : atSlot(item, move.line, fareId);
  });
}

function atSlot(item: HoldItem, { slot, service }: Line, fareId: string | null): HoldItem {
  return {
    ...item,
    slotId: slot.id,
    label: service.name,
    startAtMs: slot.startAtMs,
    endAtMs: slot.endAtMs,
    fareId: fareOf(slot, fareId)?.id ?? null,
  };
}

/** Who moves late gets no better ladder by it: no rung returns more than the old slot would have returned then. */
function cappedPolicy(
  policy: readonly CancellationRung[],
  percentMax: number,
): readonly CancellationRung[] {
  return policy.map((rung) => ({
    ...rung,
    refundPercent: Math.min(rung.refundPercent, percentMax),
  }));
}

function movedQuote(
  quote: Quote,
  moves: readonly Move[],
  { price, keptMinor }: { price: HoldPrice; keptMinor: number },
): Quote {
  const lines = [
    ...quote.lines,
    ...moves.map(({ item }) => ({ kind: 'moved', label: item.label, amount: -item.priceMinor })),
    ...price.quote.lines,
    { kind: 'kept', label: 'Kept by the cancellation policy', amount: keptMinor },
  ].filter(({ kind, amount }) => amount !== 0 || kind === 'slot');
  return { ...quote, lines, totalMinor: sum(lines.map(({ amount }) => amount)) };
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
