/**
 * What operators command of payouts: that one was paid by bank, that one is called off, that a transfer is reversed, and how
 * a provider is paid out. Roles are the routes' to check.
 */
import { regionOf, regionOfId, type DataRegion } from '../../domain/ids.ts';
import { step } from '../../domain/machine.ts';
import { PAYOUT_MACHINE } from '../../domain/payout/payout-machine.ts';
import {
  moved,
  PAYOUT_SETTINGS_DEFAULT,
  type Payout,
  type PayoutSettings,
} from '../../domain/payout/payout.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { notFound } from '../catalogue-deps.ts';
import type { PayoutDeps, PayoutStore } from './payout-ports.ts';
import { transferPosted } from './payout-postings.ts';
import { reversePayout } from './reverse-payout.ts';

/** Ids from before they had a check: the region's letter, then 120 bits of a digest. */
const UNCHECKED_ID = /^pot_[ge][0-9a-f]{30}$/;

export interface PayoutCommand {
  readonly payoutId: string;
  /** The operator, as histories name them. */
  readonly actor: string;
}

/**
 * Records that a manual payout was sent by bank. Repeated, it changes nothing. Refusals: `not_found`,
 * `invalid_transition` for one that goes through a processor or was called off.
 */
export async function completeByHand(
  deps: PayoutDeps,
  command: PayoutCommand & { readonly reference: string },
): Promise<Result<Payout>> {
  const found = await findPayout(deps, command.payoutId);
  if (!found.ok) return found;
  const { payout, store, region } = found.value;
  if (payout.method !== 'manual') {
    return refuse('invalid_transition', 'This payout goes through the processor.');
  }
  if (payout.state === 'completed') return ok(payout);
  if (!step(PAYOUT_MACHINE, payout.state, 'send').ok) return noTransition(payout);
  const atMs = deps.clock.nowMs();
  // Nobody can call it off from here on; a crash before the end leaves it to a repeat of this command.
  const { reference } = command;
  const ref = payout.transferRef ?? reference;
  const sent = moved(payout, 'send', { transferRef: ref });
  const move = { actor: command.actor, atMs };
  if (!(await store.save(sent, { ...move, from: payout.state }))) return changedMeanwhile();
  const { amountMinor } = payout;
  const transfer = { amountMinor, processor: null, ref, atMs, bookingId: null };
  await deps.ledger(region).post([transferPosted(sent, transfer)]);
  const completed = moved(sent, 'complete', { settledAtMs: atMs, reason: null });
  if (!(await store.save(completed, { ...move, from: sent.state }))) return changedMeanwhile();
  return ok(completed);
}

/** Calls a payout off before anything was sent; what it was for is in the next. Refusals: `not_found`, `invalid_transition`. */
export async function cancelPayout(
  deps: PayoutDeps,
  command: PayoutCommand & { readonly reason: string },
): Promise<Result<Payout>> {
  const found = await findPayout(deps, command.payoutId);
  if (!found.ok) return found;
  const { payout, store } = found.value;
  const { reason, actor } = command;
  if (!step(PAYOUT_MACHINE, payout.state, 'cancel').ok) return noTransition(payout);
  if (payout.state === 'cancelled') return ok(payout);
  const atMs = deps.clock.nowMs();
  const cancelled = moved(payout, 'cancel', { reason, nextAttemptAtMs: null, settledAtMs: atMs });
  const isSaved = await store.save(cancelled, { from: payout.state, actor, atMs });
  return isSaved ? ok(cancelled) : changedMeanwhile();
}

/**
 * Takes back what was transferred; `key` names the command, and a repeat of it takes back nothing more. Refusals: `not_found`, `processor_not_supported`, those of the
 * reversal.
 */
export async function reverseByHand(
  deps: PayoutDeps,
  command: PayoutCommand & { readonly amountMinor: number | null; readonly key: string },
): Promise<Result<Payout>> {
  const found = await findPayout(deps, command.payoutId);
  if (!found.ok) return found;
  const { payout, store, region } = found.value;
  if (payout.reversalKey === command.key) return ok(payout);
  const { gateway } = deps;
  if (gateway === null) {
    return refuse('processor_not_supported', 'Nobody is paid out through a processor here.');
  }
  const amountMinor = command.amountMinor ?? payout.amountMinor - payout.reversedMinor;
  const work = { payout, store, ledger: deps.ledger(region), gateway };
  const { actor, key } = command;
  const begun = await reversePayout(deps, work, { amountMinor, actor, cause: { key } });
  if (!begun.ok) return begun;
  const after = await store.byId(payout.id);
  return after === null ? notFound('payout') : ok(after);
}

/** Changes how a provider is paid out; what is left out stays. Refusals: `not_found`. */
export async function setPayoutSettings(
  deps: PayoutDeps,
  providerId: string,
  change: { readonly [name in keyof PayoutSettings]?: PayoutSettings[name] | undefined },
): Promise<Result<PayoutSettings>> {
  const parts = deps.ids.open('prv', providerId);
  if (parts === null) return notFound('provider');
  const region = regionOf(parts.locator);
  if ((await deps.catalogue(region).providers.byId(providerId)) === null) {
    return notFound('provider');
  }
  const store = deps.payouts(region);
  const known = (await store.settings(providerId)) ?? PAYOUT_SETTINGS_DEFAULT;
  const settings: PayoutSettings = {
    method: change.method ?? known.method,
    escrowDays: change.escrowDays ?? known.escrowDays,
    interval: change.interval ?? known.interval,
    weekday: change.weekday ?? known.weekday,
    reserveBps: change.reserveBps ?? known.reserveBps,
    recovery: change.recovery ?? known.recovery,
    minimumsMinor: { ...known.minimumsMinor, ...change.minimumsMinor },
  };
  await store.saveSettings(providerId, settings);
  return ok(settings);
}

async function findPayout(
  deps: PayoutDeps,
  id: string,
): Promise<
  Result<{ readonly payout: Payout; readonly store: PayoutStore; readonly region: DataRegion }>
> {
  if (deps.ids.open('pot', id) === null && !UNCHECKED_ID.test(id)) return notFound('payout');
  const region = regionOfId(id);
  const store = deps.payouts(region);
  const payout = await store.byId(id);
  return payout === null ? notFound('payout') : ok({ payout, store, region });
}

function noTransition(payout: Payout): ReturnType<typeof refuse> {
  return refuse('invalid_transition', `The payout is ${payout.state}.`);
}

function changedMeanwhile(): ReturnType<typeof refuse> {
  return refuse('invalid_transition', 'Somebody else has just changed this payout. Look again.');
}
