/**
 * Reads Greenfield's objects as far as this adapter needs them. Enums stay open: what a newer server adds is a text like
 * any other. Errors: a shape that is not the API's is a CallFailure. Called by the files of this folder.
 * Source: BTCPay Server, Greenfield API, "InvoiceData", "InvoicePaymentMethodDataModel", "PullPaymentData", "PayoutData".
 */
import { parseDecimal, type Decimal } from './decimal.ts';
import { misconfigured } from './errors.ts';

/** An invoice. Currencies are lower-case here and capitals on the wire. */
export interface Invoice {
  readonly id: string;
  readonly amount: Decimal;
  readonly currency: string;
  readonly status: string;
  readonly additionalStatus: string;
  /** What was sent for it, unconfirmed money included; null where the server does not say. */
  readonly paidAmount: Decimal | null;
  readonly createdSeconds: number;
  readonly checkoutLink: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A way in which an invoice can be paid, and what was paid in it. */
export interface PaymentMethod {
  readonly currency: string;
  /** What one unit of its currency is worth in the invoice's. */
  readonly rate: Decimal;
  readonly payments: readonly Payment[];
}

/** One payment, in the currency of its method; `fee` is what the store adds for taking it. */
export interface Payment {
  readonly value: Decimal;
  readonly fee: Decimal;
  readonly status: string;
}

/** A refund that waits to be claimed. */
export interface PullPayment {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly currency: string;
  readonly amount: Decimal;
  readonly isArchived: boolean;
  readonly viewLink: string | null;
}

/** A claim of a pull payment, in the pull payment's currency. */
export interface Payout {
  readonly amount: Decimal;
  readonly state: string;
}

type Fields = Readonly<Record<string, unknown>>;

export function readInvoice(value: unknown): Invoice {
  const fields = fieldsOf(value);
  const { metadata, createdTime } = fields;
  if (typeof createdTime !== 'number') throw unexpected();
  return {
    id: textIn(fields, 'id'),
    amount: decimalIn(fields, 'amount'),
    currency: textIn(fields, 'currency').toLowerCase(),
    status: textIn(fields, 'status'),
    additionalStatus: textIn(fields, 'additionalStatus'),
    paidAmount: isPresent(fields['paidAmount']) ? decimalIn(fields, 'paidAmount') : null,
    createdSeconds: createdTime,
    checkoutLink: textIn(fields, 'checkoutLink'),
    metadata: textsOf(metadata),
  };
}

export function readInvoices(value: unknown): Invoice[] {
  return listOf(value).map(readInvoice);
}

/** A method without a currency is one that nobody can pay in. */
export function readPaymentMethods(value: unknown): PaymentMethod[] {
  return listOf(value)
    .map(fieldsOf)
    .filter((fields) => isPresent(fields['currency']))
    .map((fields) => ({
      currency: textIn(fields, 'currency').toLowerCase(),
      rate: decimalIn(fields, 'rate'),
      payments: listOf(fields['payments']).map(readPayment),
    }));
}

function readPayment(value: unknown): Payment {
  const fields = fieldsOf(value);
  return {
    value: decimalIn(fields, 'value'),
    fee: decimalIn(fields, 'fee'),
    status: textIn(fields, 'status'),
  };
}

export function readPullPayment(value: unknown): PullPayment {
  const fields = fieldsOf(value);
  const { viewLink } = fields;
  return {
    id: textIn(fields, 'id'),
    name: optionalTextIn(fields, 'name'),
    description: optionalTextIn(fields, 'description'),
    currency: textIn(fields, 'currency').toLowerCase(),
    amount: decimalIn(fields, 'amount'),
    isArchived: fields['archived'] === true,
    viewLink: typeof viewLink === 'string' && /^https?:\/\//.test(viewLink) ? viewLink : null,
  };
}

export function readPullPayments(value: unknown): PullPayment[] {
  return listOf(value).map(readPullPayment);
}

export function readPayouts(value: unknown): Payout[] {
  return listOf(value)
    .map(fieldsOf)
    .map((fields) => ({
      amount: decimalIn(fields, 'originalAmount'),
      state: textIn(fields, 'state'),
    }));
}

/** The texts among the fields of an object; other values are none of ours. */
export function textsOf(value: unknown): Record<string, string> {
  if (!isFields(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  if (!isFields(value)) throw unexpected();
  return value;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected();
  return value;
}

function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw unexpected();
  return value;
}

function optionalTextIn(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' ? value : '';
}

function decimalIn(fields: Fields, name: string): Decimal {
  const value = fields[name];
  const decimal = typeof value === 'string' ? parseDecimal(value) : null;
  if (decimal === null) throw unexpected();
  return decimal;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function unexpected(): Error {
  return misconfigured('unexpected_object');
}
