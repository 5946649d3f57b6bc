/** Wire shapes of payouts and commissions: a provider's money, and what operators set and command of it. */
import { z } from '@hono/zod-openapi';
import { CURRENCY_EXPONENTS } from '../../domain/money.ts';
import { PAYOUT_STATES } from '../../domain/payout/payout-machine.ts';
import { PAYOUT_INTERVALS, WEEKDAYS } from '../../domain/payout/payout-schedule.ts';
import { PAYOUT_METHODS, type Payout, type PayoutSettings } from '../../domain/payout/payout.ts';
import { RECOVERY_MODES } from '../../domain/payout/recovery.ts';
import type { EpochMs } from '../../domain/time.ts';
import {
  currencySchema,
  idSchema,
  instantSchema,
  MAX_AMOUNT_MINOR,
  pageQuerySchema,
  pageSchema,
  textSchema,
} from './common.ts';
import { formatInstant } from './views.ts';

const rateSchema = z.int().min(0).max(10_000).nullable();
const pageUrlSchema = z.url({ protocol: /^https?$/ }).max(2_000);

/** Sums over years and debts: larger than one price may be, and negative where somebody owes. */
const sumSchema = z.strictObject({ amount: z.int(), currency: currencySchema }).openapi('Sum');

const periodSchema = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'must be a day such as 2026-11-23')
  .openapi({ example: '2026-11-23' });

export const openAccountSchema = z
  .strictObject({
    country: z
      .string()
      .regex(/^[A-Za-z]{2}$/, 'must be an ISO 3166 code of two letters')
      .transform((code) => code.toUpperCase())
      .optional()
      .openapi({ example: 'GB' }),
    returnUrl: pageUrlSchema.optional(),
    refreshUrl: pageUrlSchema.optional(),
  })
  .openapi('OpenPayoutAccount');

export const onboardingSchema = z
  .strictObject({
    url: z.string(),
    expiresAt: instantSchema,
    status: z.enum(['pending', 'ready']),
    missing: z.array(z.string()),
  })
  .openapi('PayoutOnboarding');

export const payoutSchema = z
  .strictObject({
    id: z.string(),
    providerId: z.string(),
    period: periodSchema,
    method: z.enum(PAYOUT_METHODS),
    status: z.enum(PAYOUT_STATES),
    reason: z.string().nullable(),
    amount: sumSchema,
    reserved: sumSchema,
    reversed: sumSchema,
    transferId: z.string().nullable(),
    createdAt: instantSchema,
    settledAt: instantSchema.nullable(),
  })
  .openapi('Payout');

export const payoutPageSchema = pageSchema(payoutSchema).openapi('PayoutPage');

export const statementQuerySchema = pageQuerySchema.extend({ payoutId: idSchema.optional() });

export const statementLineSchema = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    amount: sumSchema,
    bookingId: z.string().nullable(),
    payoutId: z.string().nullable(),
    at: instantSchema,
    availableFrom: instantSchema,
  })
  .openapi('StatementLine');

export const statementSchema = z
  .strictObject({
    data: z.array(
      z.strictObject({
        currency: currencySchema,
        earned: sumSchema,
        taken: sumSchema,
        tax: sumSchema,
        paidOut: sumSchema,
        owed: sumSchema,
        available: sumSchema,
        nextPayoutAt: instantSchema,
      }),
    ),
    payout: payoutSchema.extend({ carried: sumSchema }).nullable(),
    lines: z.array(statementLineSchema),
    nextCursor: z.string().nullable(),
  })
  .openapi('ProviderStatement');

export const exportQuerySchema = z.strictObject({ period: periodSchema });

/** Whether an id is genuine is looked at where it is used: those of old have no check. */
export const payoutPathSchema = z.strictObject({ id: z.string().min(1).max(100) });

export const completePayoutSchema = z
  .strictObject({ reference: z.string().trim().min(1).max(200) })
  .openapi('CompletePayout');

export const cancelPayoutSchema = z.strictObject({ reason: textSchema }).openapi('CancelPayout');

export const reversePayoutSchema = z
  .strictObject({ amount: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional() })
  .openapi('ReversePayout');

export const payoutSettingsSchema = z
  .strictObject({
    method: z.enum(PAYOUT_METHODS),
    escrowDays: z.int().min(0).max(365),
    interval: z.enum(PAYOUT_INTERVALS),
    weekday: z.enum(WEEKDAYS),
    minimums: z.partialRecord(currencySchema, z.int().min(0).max(MAX_AMOUNT_MINOR)),
    reserveBps: z.int().min(0).max(10_000),
    recovery: z.enum(RECOVERY_MODES).openapi({
      description:
        'What becomes of a refund or lost dispute whose money was transferred: the transfer is reversed in proportion, or the next payouts are less by it.',
    }),
  })
  .openapi('PayoutSettings');

export const changePayoutSettingsSchema = payoutSettingsSchema
  .partial()
  .openapi('ChangePayoutSettings');

export const setCommissionsSchema = z
  .strictObject({
    commissionBps: rateSchema.optional(),
    guestCommissionBps: rateSchema.optional(),
    memberCommissionBps: rateSchema.optional(),
    providerId: idSchema.optional(),
    venueId: idSchema.optional(),
  })
  .refine((body) => body.providerId === undefined || body.venueId === undefined, {
    error: 'name a provider, a venue or neither',
    path: ['venueId'],
  })
  .refine(
    (body) =>
      body.commissionBps !== undefined ||
      body.guestCommissionBps !== undefined ||
      body.memberCommissionBps !== undefined,
    { error: 'name at least one rate', path: ['commissionBps'] },
  )
  .openapi('SetCommissions');

export const commissionsSchema = z
  .strictObject({
    scope: z.enum(['global', 'provider', 'venue']),
    providerId: z.string().nullable(),
    venueId: z.string().nullable(),
    commissionBps: rateSchema,
    guestCommissionBps: rateSchema,
    memberCommissionBps: rateSchema,
    servicesChanged: z.int(),
    servicesDone: z.boolean(),
  })
  .openapi('Commissions');

export type PayoutView = z.infer<typeof payoutSchema>;
export type PayoutSettingsView = z.infer<typeof payoutSettingsSchema>;
export type StatementView = z.infer<typeof statementSchema>;

interface Balance {
  readonly currency: string;
  readonly earnedMinor: number;
  readonly takenMinor: number;
  readonly taxMinor: number;
  readonly paidOutMinor: number;
  readonly owedMinor: number;
  readonly availableMinor: number;
  readonly nextPayoutAtMs: EpochMs;
}

interface Line {
  readonly id: string;
  readonly kind: string;
  readonly currency: string;
  readonly amountMinor: number;
  readonly bookingId: string | null;
  readonly payoutId: string | null;
  readonly atMs: EpochMs;
  readonly availableFromMs: EpochMs;
}

/** A payout as its provider sees it. */
export function toPayoutView(payout: Payout): PayoutView {
  const { id, providerId, period, method, state, reason, currency } = payout;
  const sum = (amount: number) => ({ amount, currency });
  return {
    id,
    providerId,
    period,
    method,
    status: state,
    reason,
    amount: sum(payout.amountMinor),
    reserved: sum(payout.reservedMinor),
    reversed: sum(payout.reversedMinor),
    transferId: payout.transferRef,
    createdAt: formatInstant(payout.createdAtMs),
    settledAt: payout.settledAtMs === null ? null : formatInstant(payout.settledAtMs),
  };
}

/** A statement as its provider sees it. */
export function toStatementView(statement: {
  readonly balances: readonly Balance[];
  readonly ofPayout: { readonly payout: Payout; readonly carriedMinor: number } | null;
  readonly lines: { readonly data: readonly Line[]; readonly nextCursor: string | null };
}): StatementView {
  const { balances, ofPayout, lines } = statement;
  return {
    data: balances.map(toBalanceView),
    payout:
      ofPayout === null
        ? null
        : {
            ...toPayoutView(ofPayout.payout),
            carried: { amount: ofPayout.carriedMinor, currency: ofPayout.payout.currency },
          },
    lines: lines.data.map(({ amountMinor, currency, atMs, availableFromMs, ...line }) => ({
      ...line,
      amount: { amount: amountMinor, currency },
      at: formatInstant(atMs),
      availableFrom: formatInstant(availableFromMs),
    })),
    nextCursor: lines.nextCursor,
  };
}

function toBalanceView({ currency, ...balance }: Balance): StatementView['data'][number] {
  const sum = (amount: number) => ({ amount, currency });
  return {
    currency,
    earned: sum(balance.earnedMinor),
    taken: sum(balance.takenMinor),
    tax: sum(balance.taxMinor),
    paidOut: sum(balance.paidOutMinor),
    owed: sum(balance.owedMinor),
    available: sum(balance.availableMinor),
    nextPayoutAt: formatInstant(balance.nextPayoutAtMs),
  };
}

/** How a provider is paid out, on the wire. */
export function toPayoutSettingsView(settings: PayoutSettings): PayoutSettingsView {
  const { minimumsMinor, ...rest } = settings;
  return { ...rest, minimums: { ...minimumsMinor } };
}

/** The head of the export, and the rows below it. */
export const EXPORT_HEAD =
  'payout_id,provider_id,provider_name,period,amount,currency,status,reference,created_at';

/** One row of the export, as RFC 4180 has it. */
export function toExportRow({
  payout,
  providerName,
}: {
  readonly payout: Payout;
  readonly providerName: string;
}): string {
  return [
    payout.id,
    payout.providerId,
    providerName,
    payout.period,
    decimalOf(payout.amountMinor, payout.currency),
    payout.currency.toUpperCase(),
    payout.state,
    payout.transferRef ?? '',
    formatInstant(payout.createdAtMs),
  ]
    .map(cellOf)
    .join(',');
}

/** A name that begins like a formula would be run by the spreadsheet that opens it. */
function cellOf(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function decimalOf(amountMinor: number, currency: string): string {
  const decimals = CURRENCY_EXPONENTS[currency] ?? 2;
  const digits = String(amountMinor).padStart(decimals + 1, '0');
  if (decimals === 0) return digits;
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

/** Where a provider goes on to be paid out, on the wire. */
export function toOnboardingView(onboarding: {
  readonly url: string;
  readonly expiresAtMs: EpochMs;
  readonly status: 'pending' | 'ready';
  readonly missing: readonly string[];
}): z.infer<typeof onboardingSchema> {
  const { url, expiresAtMs, status, missing } = onboarding;
  return { url, expiresAt: formatInstant(expiresAtMs), status, missing: [...missing] };
}
