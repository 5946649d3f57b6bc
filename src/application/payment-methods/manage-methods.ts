/**
 * A customer's own methods: adding, confirming, listing and removing them. Somebody else's is not there. Called by the
 * routes of payment methods.
 */
import type { Caller } from '../../contracts/calls.ts';
import { regionOf, regionOfId } from '../../domain/ids.ts';
import type { Processor } from '../../domain/payment/processor-reply.ts';
import {
  defaultOf,
  SAVED_METHODS_MAX,
  type SavedMethod,
} from '../../domain/payment/saved-method.ts';
import { ok, refuse, type Json, type Result } from '../../domain/result.ts';
import { invalidField, notFound, regionId, type Asker } from '../catalogue-deps.ts';
import { decodeCursor, mergePage, type Page } from '../page-cursor.ts';
import { advanceMethod, PAYER_TIME_MS, type AdvancedMethod } from './advance-method.ts';
import { moved, newMethod, patched } from './method-change.ts';
import type { MethodDeps, PaymentMethodStore } from './method-ports.ts';

/** Writers that may be first before a command gives up for now. */
const TURNS_MAX = 5;

/** What a customer asks to be kept. */
export interface AddMethod {
  readonly processor: Processor;
  /** A token that the processor gave the payer's browser; null: the payer chooses with the processor. */
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly isDefault: boolean;
}

/** A method as its owner sees it. */
export interface OwnMethod {
  readonly method: SavedMethod;
  readonly isDefault: boolean;
}

/**
 * `POST /v1/payment-methods`. A token that the customer named before is the method that it was. Refusals:
 * processor_not_supported, validation_failed, payment_declined, customer_limit_reached, processor_unavailable.
 */
export async function addMethod(
  deps: MethodDeps,
  asker: Asker,
  wanted: AddMethod,
): Promise<Result<OwnMethod>> {
  const recurring = deps.gateways.get(wanted.processor)?.recurring ?? null;
  if (recurring === null || recurring.kind !== 'off_session')
    return refuse('processor_not_supported', `${wanted.processor} keeps no payment methods here.`);
  if (wanted.paymentMethod !== null && !recurring.takesTokens)
    return invalidField('/paymentMethod', `is chosen by the payer at ${wanted.processor}`);
  const written = await write(deps, asker, wanted);
  if (!written.ok) return written;
  const actor = `customer:${asker.caller.id}`;
  return answer(deps, await advanceMethod(deps, { id: written.value, actor }));
}

/**
 * `POST /v1/payment-methods/{id}/confirm`: asks the processor, never the client. Refusals: not_found, payment_declined,
 * payment_incomplete with what the payer has to do, processor_unavailable.
 */
export async function confirmMethod(
  deps: MethodDeps,
  asked: { readonly caller: Caller; readonly id: string },
): Promise<Result<OwnMethod>> {
  const own = await ownMethod(deps, asked);
  if (own === null) return notFound('payment method');
  const actor = `customer:${asked.caller.id}`;
  const result = await answer(deps, await advanceMethod(deps, { id: own.id, actor }));
  if (!result.ok || result.value.method.state === 'active') return result;
  const { action } = result.value.method;
  return refuse('payment_incomplete', 'The payer has not agreed yet.', {
    action: action as Json,
  });
}

/** `GET /v1/payment-methods`: newest first, with those that wait for their payer. Refusals: validation_failed. */
export async function listMethods(
  deps: MethodDeps,
  request: {
    readonly caller: Caller;
    readonly cursor: string | undefined;
    readonly limit: number;
  },
): Promise<Result<Page<OwnMethod>>> {
  const cursor = decodeCursor(request.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const live = await storeOf(deps, request.caller).liveOf(request.caller.id);
  const [createdAtMs, id] = cursor.value ?? [];
  const isAfter = (method: SavedMethod) =>
    createdAtMs === undefined ||
    id === undefined ||
    method.createdAtMs < createdAtMs ||
    (method.createdAtMs === createdAtMs && method.id < id);
  const rows = live.toReversed().filter(isAfter);
  const first = defaultOf(live);
  const page = mergePage([rows], {
    compare: () => 0,
    place: (method) => [method.createdAtMs, method.id],
    limit: request.limit,
  });
  const data = page.data.map((method) => ({ method, isDefault: method.id === first?.id }));
  return ok({ ...page, data });
}

/**
 * `DELETE /v1/payment-methods/{id}`. Gone for the customer at once; the processor is told now, or by the sweep until it
 * has let go. Refusals: not_found, invalid_transition for one that a live subscription is paid with, overloaded.
 */
export async function removeMethod(
  deps: MethodDeps,
  asked: { readonly caller: Caller; readonly id: string },
): Promise<Result<null>> {
  const actor = `customer:${asked.caller.id}`;
  const store = storeOf(deps, asked.caller);
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const own = await ownMethod(deps, asked);
    if (own === null) return notFound('payment method');
    if (own.state === 'removed' || own.state === 'failed') return ok(null);
    const values = { action: null, fruitlessLooks: 0, dueAtMs: deps.clock.nowMs() };
    const said =
      own.state === 'removing'
        ? 'done'
        : await store.save(moved(deps, own, { event: 'remove', actor, values }));
    if (said === 'in_use')
      return refuse(
        'invalid_transition',
        'A subscription is paid with it: give the subscription another method, or end it, first.',
      );
    if (said === 'done') {
      await advanceMethod(deps, { id: own.id, actor });
      return ok(null);
    }
  }
  return refuse('overloaded', 'Others are changing the same payment method; try again.');
}

/** The customer's own, whatever its state; null for a forged id and for somebody else's. */
export async function ownMethod(
  deps: Pick<MethodDeps, 'ids' | 'methods'>,
  { caller, id }: { readonly caller: Caller; readonly id: string },
): Promise<SavedMethod | null> {
  const parts = deps.ids.open('pmt', id);
  if (parts === null) return null;
  const method = await deps.methods(regionOf(parts.locator)).byId(id);
  return method?.userId === caller.id ? method : null;
}

/** Writes down what is wanted before the processor hears of it, and gives the id of the method that it is. */
async function write(deps: MethodDeps, asker: Asker, wanted: AddMethod): Promise<Result<string>> {
  const { caller } = asker;
  const store = storeOf(deps, caller);
  const id = regionId(deps, asker, { kind: 'pmt', region: regionOfId(caller.id) });
  if ((await store.byId(id)) !== null) return ok(id);
  const nowMs = deps.clock.nowMs();
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const same = sameToken(await store.liveOf(caller.id), wanted);
    if (same !== null) {
      const isDone = !wanted.isDefault || (await prefer(deps, store, same)) === 'done';
      if (isDone) return ok(same.id);
    } else {
      const { processor, paymentMethod: offered, returnUrl } = wanted;
      const preferredAtMs = wanted.isDefault ? nowMs : 0;
      const dueAtMs = nowMs + PAYER_TIME_MS;
      const row = { id, userId: caller.id, processor, offered, returnUrl, preferredAtMs, dueAtMs };
      const said = await store.insert(newMethod(deps, row));
      if (said === 'done') return ok(id);
      if (said === 'limit')
        return refuse(
          'customer_limit_reached',
          `One customer may keep ${SAVED_METHODS_MAX} payment methods: remove one first.`,
        );
    }
  }
  return refuse('overloaded', 'Others are changing the same payment methods; try again.');
}

function prefer(deps: MethodDeps, store: PaymentMethodStore, method: SavedMethod) {
  return store.save(patched(method, { preferredAtMs: deps.clock.nowMs() }));
}

function sameToken(
  live: readonly SavedMethod[],
  { processor, paymentMethod }: AddMethod,
): SavedMethod | null {
  if (paymentMethod === null) return null;
  const isSame = (method: SavedMethod) =>
    method.processor === processor &&
    (method.offered === paymentMethod || method.methodRef === paymentMethod);
  return live.find(isSame) ?? null;
}

async function answer(
  deps: MethodDeps,
  advanced: AdvancedMethod | null,
): Promise<Result<OwnMethod>> {
  if (advanced === null) return notFound('payment method');
  const { method, isSettled } = advanced;
  if (method.state === 'removing' || method.state === 'removed') return notFound('payment method');
  if (method.state === 'failed')
    return refuse('payment_declined', 'The payment method was refused; nothing was kept.', {
      declineCode: method.declineCode,
    });
  if (!isSettled)
    return refuse('processor_unavailable', 'The processor did not answer. Try again.');
  const live = await deps.methods(regionOfId(method.id)).liveOf(method.userId);
  return ok({ method, isDefault: defaultOf(live)?.id === method.id });
}

function storeOf(deps: Pick<MethodDeps, 'methods'>, caller: Caller): PaymentMethodStore {
  return deps.methods(regionOfId(caller.id));
}
