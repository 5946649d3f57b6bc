/**
 * What a change of billing has to be before it is written: one subscription's own, with a chain that ends where the
 * subscription says and invoices that add up. A change that is not is a broken invariant of its maker.
 * Pure; called by every store of billing.
 */
import type { BillingChange } from '../../application/billing-ports.ts';
import { invariant } from '../../domain/assert.ts';
import { OPEN_CHARGE_STATES } from '../../domain/subscription/charge-machine.ts';
import type { Charge, Invoice } from '../../domain/subscription/subscription.ts';

/** A void invoice gives its period free, and one that is not open the place of the open one. */
const INVOICE_RANKS: { readonly [state in Invoice['state']]: number } = {
  void: 0,
  paid: 1,
  uncollectible: 1,
  open: 2,
};

/** Throws unless the change is whole in itself. */
export function checkChange(change: BillingChange): void {
  const { id, userId, chainSeq, chainHash } = change.subscription;
  const { invoices = [], charges = [], creditNotes = [], notices = [], events = [] } = change;
  for (const invoice of invoices) {
    const isOwn = invoice.subscriptionId === id && invoice.userId === userId;
    invariant(isOwn, `invoice ${invoice.id} is not of ${id}`);
    const sumMinor = invoice.lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
    invariant(sumMinor === invoice.totalMinor, `the lines of ${invoice.id} do not add up`);
  }
  for (const charge of charges) {
    invariant(charge.subscriptionId === id, `charge ${charge.id} is not of ${id}`);
  }
  for (const document of [...creditNotes, ...notices]) {
    invariant(document.userId === userId, `a document of ${id} is for somebody else`);
  }
  for (const [index, event] of events.entries()) {
    const seq = chainSeq - events.length + 1 + index;
    const previous = events[index - 1]?.hash ?? event.previousHash;
    const isNext = event.seq === seq && event.previousHash === previous;
    invariant(isNext, `the events of ${id} are no chain`);
  }
  const head = events.at(-1)?.hash ?? chainHash;
  invariant(head === chainHash, `the chain of ${id} does not end at its head`);
}

/** The order in which invoices are written: what makes room comes before what takes it. */
export function invoicesInOrder(invoices: readonly Invoice[]): Invoice[] {
  return invoices.toSorted((a, b) => INVOICE_RANKS[a.state] - INVOICE_RANKS[b.state]);
}

/** The same for charges. */
export function chargesInOrder(charges: readonly Charge[]): Charge[] {
  return charges.toSorted((a, b) => chargeRank(a) - chargeRank(b));
}

function chargeRank({ state }: Charge): number {
  return OPEN_CHARGE_STATES.has(state) ? 1 : 0;
}
