/**
 * One change of a subscription and its money before it is written: the only place where a subscription, an invoice or a
 * charge changes state. Each move steps its table and links an event into the subscription's chain; the whole is then
 * saved at once or not at all. Called by the use cases of this folder.
 */
import { invariant } from '../../domain/assert.ts';
import { chainHash, type ChainLink } from '../../domain/chain.ts';
import { regionOfId } from '../../domain/ids.ts';
import { step } from '../../domain/machine.ts';
import type { Json } from '../../domain/result.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import { CHARGE_MACHINE, type ChargeEvent } from '../../domain/subscription/charge-machine.ts';
import type {
  Charge,
  Invoice,
  Notice,
  Subscription,
} from '../../domain/subscription/subscription.ts';
import {
  SUBSCRIPTION_MACHINE,
  type SubscriptionEvent,
} from '../../domain/subscription/subscription-machine.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { BillingAccount, BillingChange } from '../billing-ports.ts';
import type { Digest, Entropy, IdCodec } from '../ports.ts';

/** What a draft is written with. */
export interface DraftPorts {
  readonly ids: IdCodec;
  readonly digest: Digest;
  readonly entropy: Entropy;
}

/** Who changes something, why, and when. */
export interface DraftCause {
  readonly actor: string;
  readonly nowMs: EpochMs;
  readonly reason?: string | null;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

export class BillingDraft {
  readonly ports: DraftPorts;
  readonly nowMs: EpochMs;
  readonly #cause: DraftCause;
  #subscription: Subscription;
  #openInvoice: Invoice | null;
  readonly #charges: Map<string, Charge>;
  readonly #events: ChainLink[] = [];
  readonly #changed: Writable<
    Required<Pick<BillingChange, 'creditNotes' | 'notices'>> & {
      invoices: Map<string, Invoice>;
      charges: Map<string, Charge>;
      customer: BillingChange['customer'];
    }
  > = {
    invoices: new Map(),
    charges: new Map(),
    creditNotes: [],
    notices: [],
    customer: undefined,
  };

  constructor(ports: DraftPorts, account: BillingAccount, cause: DraftCause) {
    this.ports = ports;
    this.nowMs = cause.nowMs;
    this.#cause = cause;
    this.#subscription = account.subscription;
    this.#openInvoice = account.openInvoice;
    this.#charges = new Map(account.charges.map((charge) => [charge.id, charge]));
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  get openInvoice(): Invoice | null {
    return this.#openInvoice;
  }

  charge(id: string): Charge | null {
    return this.#charges.get(id) ?? null;
  }

  get charges(): readonly Charge[] {
    return [...this.#charges.values()];
  }

  /** Changes what has no table: dates, credit, methods. */
  patch(values: Partial<Omit<Subscription, 'id' | 'state' | 'version'>>): void {
    this.#subscription = { ...this.#subscription, ...values };
  }

  /** Steps the subscription. A step that the table refuses is a broken invariant: who may be refused asks it before. */
  move(event: SubscriptionEvent, metadata: { readonly [key: string]: Json } = {}): void {
    const { id, state } = this.#subscription;
    const outcome = step(SUBSCRIPTION_MACHINE, state, event);
    invariant(outcome.ok, `subscription ${id} is ${state} and refuses ${event}`);
    const isEnd = outcome.to === 'cancelled' || outcome.to === 'expired';
    this.#subscription = {
      ...this.#subscription,
      state: outcome.to,
      ...(isEnd ? { endedAtMs: this.nowMs, pendingPlanId: null } : {}),
    };
    this.record({
      entityId: id,
      type: `subscription.${outcome.moved ? outcome.to : event}`,
      from: outcome.from,
      to: outcome.to,
      metadata,
    });
  }

  /** Writes an invoice; a change of its state is an event of the chain. */
  putInvoice(invoice: Invoice): void {
    const known = this.#changed.invoices.get(invoice.id) ?? this.#openInvoice;
    const from = known?.id === invoice.id ? known.state : null;
    this.#changed.invoices.set(invoice.id, invoice);
    if (invoice.state === 'open') this.#openInvoice = invoice;
    else if (this.#openInvoice?.id === invoice.id) this.#openInvoice = null;
    if (from === invoice.state) return;
    this.record({
      entityId: invoice.id,
      type: `invoice.${invoice.state}`,
      from,
      to: invoice.state,
      metadata: {
        amount: invoice.totalMinor,
        currency: invoice.currency,
        kind: invoice.kind,
        periodStartMs: invoice.periodStartMs,
        periodEndMs: invoice.periodEndMs,
      },
    });
  }

  /** Writes a document that an earlier change has closed: what was given back of it. */
  refundInvoice(invoice: Invoice, refundedMinor: number): void {
    this.#changed.invoices.set(invoice.id, { ...invoice, refundedMinor });
  }

  /** Writes a new charge. */
  addCharge(charge: Charge): void {
    this.#putCharge(charge);
    this.record({
      entityId: charge.id,
      type: `charge.${charge.state}`,
      from: null,
      to: charge.state,
      metadata: {
        purpose: charge.purpose,
        processor: charge.processor,
        amount: charge.amountMinor,
        currency: charge.currency,
        invoiceId: charge.invoiceId,
      },
    });
  }

  /** Changes what a charge knows about the processor. */
  patchCharge(charge: Charge, values: Partial<Omit<Charge, 'id' | 'state'>>): Charge {
    return this.#putCharge({ ...charge, ...values });
  }

  /** Steps a charge; an event that came late changes nothing. Gives the charge as it then is, and whether it moved. */
  moveCharge(
    charge: Charge,
    event: ChargeEvent,
    values: Partial<Omit<Charge, 'id' | 'state'>> = {},
  ): { charge: Charge; moved: boolean } {
    const outcome = step(CHARGE_MACHINE, charge.state, event);
    invariant(outcome.ok, `charge ${charge.id} is ${charge.state} and refuses ${event}`);
    const after = this.#putCharge({ ...charge, ...values, state: outcome.to });
    if (!outcome.moved) return { charge: after, moved: false };
    this.record({
      entityId: charge.id,
      type: `charge.${outcome.to}`,
      from: outcome.from,
      to: outcome.to,
      metadata: { processorId: after.ref, declineCode: after.declineCode },
    });
    return { charge: after, moved: true };
  }

  /** Ends the payment or setup under way at the processor; the next steps do it. */
  abandonCharges(): void {
    for (const charge of this.charges) {
      if (isChargeOpen(charge) && charge.purpose !== 'refund')
        this.patchCharge(charge, { isUnwanted: true, nextLookAtMs: null });
    }
  }

  keepCustomer(customer: NonNullable<BillingChange['customer']>): void {
    this.#changed.customer = customer;
  }

  addCreditNote(note: NonNullable<BillingChange['creditNotes']>[number]): void {
    this.#changed.creditNotes = [...this.#changed.creditNotes, note];
    this.record({
      entityId: note.id,
      type: 'credit_note.issued',
      from: null,
      to: 'issued',
      metadata: { invoiceId: note.invoiceId, amount: note.amountMinor, currency: note.currency },
    });
  }

  tell(kind: Notice['kind'], invoiceId: string | null = null): void {
    const { id, userId } = this.#subscription;
    const notice: Notice = { kind, subscriptionId: id, userId, invoiceId };
    this.#changed.notices = [...this.#changed.notices, notice];
  }

  /** Links an event that is not the move of a machine. */
  record(event: {
    readonly entityId: string;
    readonly type: string;
    readonly from: string | null;
    readonly to: string;
    readonly metadata?: { readonly [key: string]: Json };
  }): void {
    const { id, chainSeq, chainHash: previousHash } = this.#subscription;
    const { digest, ids } = this.ports;
    const region = regionOfId(id);
    const body = {
      seq: chainSeq + 1,
      id: ids.mintInShard('evt', ids.deriveShardKey(region, id)),
      entityId: event.entityId,
      parentId: event.entityId === id ? null : id,
      type: event.type,
      from: event.from,
      to: event.to,
      actor: this.#cause.actor,
      reason: this.#cause.reason ?? null,
      metadata: event.metadata ?? {},
      atMs: this.nowMs,
    };
    const hash = chainHash(digest, previousHash, body);
    this.#events.push({ ...body, previousHash, hash });
    this.#subscription = { ...this.#subscription, chainSeq: body.seq, chainHash: hash };
  }

  /** What would stand if the draft were written now. */
  standing(customers: BillingAccount['customers']): BillingAccount {
    const { customer } = this.#changed;
    return {
      subscription: this.#subscription,
      openInvoice: this.#openInvoice,
      charges: this.charges.filter(isChargeOpen),
      customers:
        customer === undefined ? customers : { ...customers, [customer.processor]: customer.ref },
    };
  }

  /** The change as storage takes it. */
  toChange(): BillingChange {
    const { invoices, charges, creditNotes, notices, customer } = this.#changed;
    const subscription = { ...this.#subscription, version: this.#subscription.version + 1 };
    return {
      subscription,
      invoices: [...invoices.values()],
      charges: [...charges.values()],
      creditNotes,
      notices,
      events: this.#events,
      ...(customer === undefined ? {} : { customer }),
    };
  }

  #putCharge(charge: Charge): Charge {
    this.#charges.set(charge.id, charge);
    this.#changed.charges.set(charge.id, charge);
    return charge;
  }
}
