/**
 * What a period or a change of plan costs, line by line. The lines of a document add up to its total, a total is never
 * negative (what would be is credit), and a price split by time is split by the largest remainder.
 */
import { invariant } from '../assert.ts';
import { allocate } from '../money.ts';
import { SECOND_MS, type EpochMs } from '../time.ts';
import type { PlanTerms } from './plan.ts';
import { isSameInterval } from './period.ts';
import type { InvoiceLine } from './subscription.ts';

/** The money of a document, in minor units. */
export interface Bill {
  readonly lines: readonly InvoiceLine[];
  readonly taxMinor: number;
  readonly totalMinor: number;
  readonly creditUsedMinor: number;
  readonly creditGivenMinor: number;
}

/** One period of a plan, less what is owed to the member. */
export function billPeriod(terms: PlanTerms, creditMinor: number): Bill {
  const lines: InvoiceLine[] = [
    { kind: 'period', label: terms.name, amountMinor: terms.priceMinor },
  ];
  const tax = grossMinor(terms) - terms.priceMinor;
  if (tax > 0) lines.push({ kind: 'tax', label: 'Tax', amountMinor: tax });
  return settle(terms, lines, creditMinor);
}

/**
 * A change of plan at once: what is left of the old period is given back, what is left is charged at the new price;
 * with another interval a whole new period begins instead. Split by whole seconds.
 */
export function billChange(
  terms: { readonly from: PlanTerms; readonly to: PlanTerms },
  period: { readonly startMs: EpochMs; readonly endMs: EpochMs; readonly nowMs: EpochMs },
  creditMinor: number,
): Bill {
  const { from, to } = terms;
  const unused = unusedMinor(grossMinor(from), period);
  const charged = isSameInterval(from.interval, to.interval)
    ? unusedMinor(grossMinor(to), period)
    : grossMinor(to);
  const lines: InvoiceLine[] = [
    { kind: 'unused', label: `Unused time of ${from.name}`, amountMinor: -unused },
    { kind: 'remaining', label: `${to.name} from now on`, amountMinor: charged },
  ];
  return settle(to, lines, creditMinor);
}

/** The part of a price that the rest of a period is worth, by whole seconds; the used part keeps the larger remainder's unit. */
export function unusedMinor(
  priceMinor: number,
  period: { readonly startMs: EpochMs; readonly endMs: EpochMs; readonly nowMs: EpochMs },
): number {
  const { startMs, endMs } = period;
  const nowMs = Math.min(Math.max(period.nowMs, startMs), endMs);
  const whole = Math.ceil((endMs - startMs) / SECOND_MS);
  const left = Math.floor((endMs - nowMs) / SECOND_MS);
  if (priceMinor === 0 || left === 0) return 0;
  const [, unused] = allocate(priceMinor, [whole - left, left]);
  invariant(unused !== undefined, 'a price is split in two');
  return unused;
}

/** What a period costs with its tax, whether the price holds it or not. */
export function grossMinor(terms: PlanTerms): number {
  const { priceMinor, tax } = terms;
  if (tax.inclusive) return priceMinor;
  return priceMinor + Number((BigInt(priceMinor) * BigInt(tax.rateBps)) / 10_000n);
}

/** The tax inside an amount that includes it, rounded down. */
export function taxInside(amountMinor: number, rateBps: number): number {
  return Number((BigInt(amountMinor) * BigInt(rateBps)) / BigInt(10_000 + rateBps));
}

/** Takes credit off, or gives it where the lines come to less than nothing. */
function settle(terms: PlanTerms, lines: InvoiceLine[], creditMinor: number): Bill {
  const sum = lines.reduce((total, line) => total + line.amountMinor, 0);
  const creditUsedMinor = Math.min(creditMinor, Math.max(sum, 0));
  const creditGivenMinor = Math.max(-sum, 0);
  if (creditUsedMinor > 0)
    lines.push({ kind: 'credit', label: 'Credit', amountMinor: -creditUsedMinor });
  if (creditGivenMinor > 0)
    lines.push({ kind: 'credit', label: 'Kept as credit', amountMinor: creditGivenMinor });
  const totalMinor = lines.reduce((total, line) => total + line.amountMinor, 0);
  invariant(totalMinor >= 0, 'a charge is never negative');
  const taxMinor = taxInside(totalMinor, terms.tax.rateBps);
  return { lines, taxMinor, totalMinor, creditUsedMinor, creditGivenMinor };
}
