/**
 * Where a provider is paid out to: opening the account at the processor, the page on which they prove who they are, and
 * whether it can take money now. What was asked for is written before it is asked, so that an answer that is lost leads
 * to the same account. Called by the provider's route and by the run of payouts.
 */
import type { Caller } from '../../contracts/calls.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import type { EpochMs } from '../../domain/time.ts';
import { invalidField } from '../catalogue-deps.ts';
import type { ProviderRecord } from '../catalogue-ports.ts';
import { ownedProvider } from '../manage-providers.ts';
import type { PayoutAccountView, PayoutGateway, PayoutReply } from '../ports.ts';
import type { PayoutAccount, PayoutDeps, PayoutStore } from './payout-ports.ts';

/**
 * Countries by currencies that one country alone calls its own. Any other currency does not say where its owner is, and
 * the processor's rules hang on it.
 */
const COUNTRY_OF_CURRENCY: { readonly [currency: string]: string } = {
  aud: 'AU',
  brl: 'BR',
  cad: 'CA',
  chf: 'CH',
  czk: 'CZ',
  dkk: 'DK',
  gbp: 'GB',
  hkd: 'HK',
  huf: 'HU',
  inr: 'IN',
  jpy: 'JP',
  mxn: 'MX',
  nok: 'NO',
  nzd: 'NZ',
  pln: 'PL',
  ron: 'RO',
  sek: 'SE',
  sgd: 'SG',
  thb: 'TH',
  usd: 'US',
};

/** The country of whoever is paid in a currency, where the currency says it; upper case. */
export function countryOfCurrency(currency: string): string | undefined {
  return COUNTRY_OF_CURRENCY[currency];
}

export interface OpenPayoutAccount {
  readonly providerId: string;
  /** ISO 3166 code, upper case; needed where the currency does not say. */
  readonly country: string | undefined;
  readonly returnUrl: string;
  readonly refreshUrl: string;
}

/** Where the provider goes on, and how far they are. */
export interface Onboarding {
  readonly url: string;
  readonly expiresAtMs: EpochMs;
  readonly status: 'pending' | 'ready';
  readonly missing: readonly string[];
}

/**
 * Opens the account where there is none, and gives a new page to go on at. Refusals: `not_found` for somebody else's
 * provider, `validation_failed` for a country that is missing or refused, `processor_not_supported`,
 * `processor_unavailable`.
 */
export async function openPayoutAccount(
  deps: PayoutDeps,
  caller: Caller,
  wanted: OpenPayoutAccount,
): Promise<Result<Onboarding>> {
  const provider = await ownProvider(deps, caller, wanted.providerId);
  if (!provider.ok) return provider;
  const { gateway } = deps;
  if (gateway === null) {
    return refuse('processor_not_supported', 'Nobody is paid out through a processor here.');
  }
  const store = deps.payouts(provider.value.dataRegion);
  const account = await openedAccount(deps, { store, gateway, provider: provider.value }, wanted);
  if (!account.ok) return account;
  const { returnUrl, refreshUrl } = wanted;
  const link = await gateway.onboardingLink({ ref: account.value.ref, returnUrl, refreshUrl });
  if (link.kind !== 'done') return refusalOf(deps, link, '/returnUrl');
  const { isReady, missing } = account.value;
  return ok({ ...link.value, status: isReady ? 'ready' : 'pending', missing });
}

/** The account as it is now: null where there is none, `unknown` while the processor does not say. */
export async function accountNow(
  deps: Pick<PayoutDeps, 'clock'>,
  asked: {
    readonly store: PayoutStore;
    readonly gateway: PayoutGateway;
    readonly providerId: string;
  },
): Promise<PayoutAccount | 'unknown' | null> {
  const account = await asked.store.account(asked.providerId);
  if (account === null || account.ref === null || account.isReady) return account;
  const seen = await asked.gateway.fetchAccount(account.ref);
  if (seen.kind !== 'done') return 'unknown';
  return saveView(deps, asked.store, { account, view: seen.value });
}

/** A provider whose money is the caller's to see. Refusals: `not_found`, for its staff too. */
export async function ownProvider(
  deps: Pick<PayoutDeps, 'ids' | 'catalogue'>,
  caller: Caller,
  id: string,
): Promise<Result<ProviderRecord>> {
  const found = await ownedProvider(deps, caller, id);
  return found.ok ? ok(found.value.record) : found;
}

interface Opening {
  readonly store: PayoutStore;
  readonly gateway: PayoutGateway;
  readonly provider: ProviderRecord;
}

async function openedAccount(
  deps: PayoutDeps,
  { store, gateway, provider }: Opening,
  { country: wantedCountry }: OpenPayoutAccount,
): Promise<Result<PayoutAccountView>> {
  const known = await store.account(provider.id);
  if (known !== null && known.ref !== null) {
    const seen = await gateway.fetchAccount(known.ref);
    if (seen.kind !== 'done') return refusalOf(deps, seen, '/country');
    await saveView(deps, store, { account: known, view: seen.value });
    return ok(seen.value);
  }
  // An opening whose answer was lost may have had its effect: it is repeated as it was.
  const country = known?.country ?? wantedCountry ?? countryOfCurrency(provider.currency);
  if (country === undefined) {
    return invalidField('/country', `is needed: ${provider.currency} is paid in several countries`);
  }
  const asked: PayoutAccount = {
    providerId: provider.id,
    processor: gateway.processor,
    ref: null,
    country,
    keySeq: known?.keySeq ?? 1,
    isReady: false,
    missing: [],
    checkedAtMs: deps.clock.nowMs(),
  };
  await store.saveAccount(asked);
  const opened = await gateway.openAccount({
    key: `${provider.id}:payout-account:${asked.keySeq}`,
    providerId: provider.id,
    country,
    currency: provider.currency,
  });
  if (opened.kind === 'done') {
    await saveView(deps, store, { account: asked, view: opened.value });
    return ok(opened.value);
  }
  // A fault is stored under its key, and an account that it left behind is empty and nobody's.
  if (opened.kind === 'refused' || opened.kind === 'server_error') {
    await store.saveAccount({ ...asked, country: null, keySeq: asked.keySeq + 1 });
  }
  return refusalOf(deps, opened, '/country');
}

async function saveView(
  deps: Pick<PayoutDeps, 'clock'>,
  store: PayoutStore,
  { account, view }: { account: PayoutAccount; view: PayoutAccountView },
): Promise<PayoutAccount> {
  const { ref, isReady, missing } = view;
  const checked = { ...account, ref, isReady, missing, checkedAtMs: deps.clock.nowMs() };
  await store.saveAccount(checked);
  return checked;
}

function refusalOf(
  { log }: Pick<PayoutDeps, 'log'>,
  reply: Exclude<PayoutReply<unknown>, { kind: 'done' }>,
  pointer: string,
): ReturnType<typeof refuse> {
  switch (reply.kind) {
    case 'refused':
      return invalidField(pointer, `was refused by the processor: ${reply.code}`);
    case 'missing':
      return refuse('processor_unavailable', 'The processor does not know the account any more.');
    case 'no_answer':
    case 'server_error':
    case 'unavailable':
    case 'misconfigured':
      log.warn('payouts.account_unsettled', { reply: reply.kind, reason: reply.reason });
      return refuse('processor_unavailable', 'The processor did not answer. Try again.');
  }
}
