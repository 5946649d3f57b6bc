/**
 * Moves a saved method on at its processor: take the next call from what is written, make it under its own key, write what
 * was answered, until nothing is left for now. Whoever adds, confirms, removes or sweeps comes through here; two at once
 * make the same calls under the same keys, and the version of the row lets one of them write.
 */
import { unreachable } from '../../domain/assert.ts';
import { regionOfId } from '../../domain/ids.ts';
import type { ProcessorReply, ProcessorSetup } from '../../domain/payment/processor-reply.ts';
import { factsOf, type SavedMethod } from '../../domain/payment/saved-method.ts';
import { DAY_MS, type EpochMs } from '../../domain/time.ts';
import { nextLookAtMs } from '../payment-plan.ts';
import type { RecurringGateway } from '../ports.ts';
import { moved, patched } from './method-change.ts';
import type { MethodChange, MethodDeps, PaymentMethodStore } from './method-ports.ts';

/** Calls of one pass at most: the longest way has six, and a writer who was first costs one more. */
const CALLS_MAX = 12;

/** How long a payer has to agree; what waits longer is given up at the processor. */
export const PAYER_TIME_MS = DAY_MS;

/** How a pass ended. isSettled: the processor has said all that it can say for now. */
export interface AdvancedMethod {
  readonly method: SavedMethod;
  readonly isSettled: boolean;
}

type Call = 'customer' | 'open' | 'look' | 'confirm' | 'describe' | 'detach' | 'cancel';

/** What a pass remembers between its calls. */
interface Pass {
  readonly deps: MethodDeps;
  readonly store: PaymentMethodStore;
  readonly actor: string;
  /** The setup as this pass saw it last; null: not asked yet. */
  setup: ProcessorSetup | null;
  hasConfirmed: boolean;
}

/** Runs until the method is kept, gone, waits for its payer, or the processor does not say. */
export async function advanceMethod(
  deps: MethodDeps,
  { id, actor }: { readonly id: string; readonly actor: string },
): Promise<AdvancedMethod | null> {
  const store = deps.methods(regionOfId(id));
  const pass: Pass = { deps, store, actor, setup: null, hasConfirmed: false };
  let method = await store.byId(id);
  for (let calls = 0; method !== null && calls < CALLS_MAX; calls += 1) {
    const call = nextCall(method, pass);
    if (call === null) return { method, isSettled: true };
    const outcome = await makeCall(pass, method, call);
    // Where another writer was first, their version says what comes next.
    const said = await store.save(outcome.change);
    method = said === 'done' ? outcome.change.method : await store.byId(id);
    if (said !== 'done') pass.setup = null;
    else if (!outcome.isSettled) return { method: outcome.change.method, isSettled: false };
  }
  return method === null ? null : { method, isSettled: false };
}

function nextCall(method: SavedMethod, pass: Pass): Call | null {
  if (method.state === 'removing') {
    if (method.methodRef !== null) return 'detach';
    return 'cancel';
  }
  if (method.state !== 'pending') return null;
  if (method.customerRef === null) return 'customer';
  if (method.setupRef === null) return 'open';
  if (method.methodRef !== null) return 'describe';
  if (pass.setup === null) return 'look';
  const mayConfirm = pass.setup.state === 'created' && method.offered !== null;
  return mayConfirm && !pass.hasConfirmed ? 'confirm' : null;
}

interface Outcome {
  readonly change: MethodChange;
  readonly isSettled: boolean;
}

async function makeCall(pass: Pass, method: SavedMethod, call: Call): Promise<Outcome> {
  const { deps, store } = pass;
  if (call === 'customer') {
    const known = await store.customerOf(method.userId, method.processor);
    if (known !== null) return settled(patched(method, { customerRef: known }));
  }
  if (call === 'cancel' && method.setupRef === null) return ended(pass, method);
  if (call === 'detach' && (await hasTwin(store, method))) return ended(pass, method);
  const recurring = deps.gateways.get(method.processor)?.recurring ?? null;
  const reply: ProcessorReply =
    recurring === null
      ? { kind: 'misconfigured', reason: `no methods are kept at ${method.processor}` }
      : await perform(recurring, method, call);
  if (call === 'confirm') pass.hasConfirmed = true;
  return apply(pass, method, { call, reply });
}

function perform(
  recurring: RecurringGateway,
  method: SavedMethod,
  call: Call,
): Promise<ProcessorReply> {
  const { id, userId, returnUrl, offered } = method;
  const key = `${id}:${call}:${method.keySeq}`;
  const setupRef = method.setupRef ?? '';
  switch (call) {
    case 'customer':
      // The key that the first subscription would use: whoever is first, there is one customer.
      return recurring.openCustomer({
        key: `${userId}:customer:${method.keySeq}`,
        memberId: userId,
      });
    case 'open': {
      const reference = { savedMethodId: id };
      const customerRef = method.customerRef ?? '';
      return recurring.openSetup({ key, customerRef, reference, returnUrl });
    }
    case 'look':
      return recurring.fetchSetup(setupRef);
    case 'confirm':
      return recurring.confirmSetup({
        key,
        ref: setupRef,
        paymentMethod: offered ?? '',
        returnUrl,
      });
    case 'describe':
      return recurring.describeMethod(method.methodRef ?? '');
    case 'detach':
      return recurring.detachMethod({ key, ref: method.methodRef ?? '' });
    case 'cancel':
      return recurring.cancelSetup({ key, ref: setupRef });
    default:
      return unreachable(call);
  }
}

async function apply(
  pass: Pass,
  method: SavedMethod,
  answer: { readonly call: Call; readonly reply: ProcessorReply },
): Promise<Outcome> {
  const { call, reply } = answer;
  switch (reply.kind) {
    case 'customer': {
      const { processor, userId } = method;
      const customerRef = await pass.store.keepCustomer(userId, { processor, ref: reply.ref });
      return settled(patched(method, { customerRef }));
    }
    case 'setup':
      return applySetup(pass, method, { call, setup: reply.setup });
    case 'method':
      return keep(pass, method, factsOf(reply.method));
    case 'detached':
      return ended(pass, method);
    case 'declined':
      return call === 'detach' || call === 'cancel'
        ? unsettled(pass, method, answer)
        : failed(pass, method, reply.code);
    case 'missing':
      return method.state === 'removing'
        ? ended(pass, method)
        : failed(pass, method, call === 'look' ? 'expired' : 'payment_method_missing');
    case 'already_done':
      return afterDone(pass, method, call);
    case 'no_answer':
    case 'server_error':
    case 'unavailable':
    case 'misconfigured':
      return unsettled(pass, method, answer);
    case 'payment':
    case 'refund':
      throw new Error(`a ${call} of a saved method was answered with a ${reply.kind}`);
    default:
      return unreachable(reply);
  }
}

/** The setup went on without us: it shows what is true. One that could not be given up may have kept the method. */
async function afterDone(pass: Pass, method: SavedMethod, call: Call): Promise<Outcome> {
  pass.setup = null;
  if (call !== 'cancel') return settled(patched(method, {}));
  const recurring = pass.deps.gateways.get(method.processor)?.recurring;
  const reply = (await recurring?.fetchSetup(method.setupRef ?? '')) ?? null;
  if (reply?.kind === 'missing') return ended(pass, method);
  if (reply?.kind !== 'setup') {
    const silence = reply ?? ({ kind: 'misconfigured', reason: 'no gateway' } as const);
    return unsettled(pass, method, { call, reply: silence });
  }
  const { methodRef, state } = reply.setup;
  if (state === 'succeeded' && methodRef !== null) return settled(patched(method, { methodRef }));
  return ended(pass, method);
}

function applySetup(
  pass: Pass,
  method: SavedMethod,
  { call, setup }: { readonly call: Call; readonly setup: ProcessorSetup },
): Outcome {
  if (call === 'cancel') return ended(pass, method);
  pass.setup = setup;
  const known = { setupRef: setup.ref, fruitlessLooks: 0, dueAtMs: payerTimeEndMs(method) };
  switch (setup.state) {
    case 'succeeded':
      return settled(patched(method, { ...known, methodRef: setup.methodRef, action: null }));
    case 'failed':
    case 'cancelled':
      return failed(pass, method, setup.declineCode ?? setup.state);
    case 'created':
    case 'action_required':
    case 'pending': {
      // A token that is to be confirmed next needs nobody yet.
      const waits = setup.state === 'action_required' || method.offered === null;
      return settled(patched(method, { ...known, action: waits ? setup.action : null }));
    }
    default:
      return unreachable(setup.state);
  }
}

/** Kept: the same card saved twice stays one method, the older. */
async function keep(
  pass: Pass,
  method: SavedMethod,
  facts: Partial<SavedMethod>,
): Promise<Outcome> {
  if (await hasTwin(pass.store, method)) return failed(pass, method, 'duplicate');
  const values = { ...facts, action: null, dueAtMs: null, fruitlessLooks: 0 };
  return settled(moved(pass.deps, method, { event: 'keep', actor: pass.actor, values }));
}

/** Another method of the customer that is the same one at the processor. */
async function hasTwin(store: PaymentMethodStore, method: SavedMethod): Promise<boolean> {
  const live = await store.liveOf(method.userId);
  return live.some(
    ({ id, state, processor, methodRef }) =>
      id !== method.id &&
      state === 'active' &&
      processor === method.processor &&
      methodRef === method.methodRef,
  );
}

function failed(pass: Pass, method: SavedMethod, declineCode: string): Outcome {
  const { deps, actor } = pass;
  return settled(moved(deps, method, { event: 'fail', actor, values: { declineCode } }));
}

function ended(pass: Pass, method: SavedMethod): Outcome {
  return settled(moved(pass.deps, method, { event: 'end', actor: pass.actor }));
}

function settled(change: MethodChange): Outcome {
  return { change, isSettled: true };
}

/** Nobody knows, or nothing was done: somebody asks again, ever more rarely. A stored fault needs a new key. */
function unsettled(
  { deps }: Pass,
  method: SavedMethod,
  { call, reply }: { readonly call: Call; readonly reply: ProcessorReply },
): Outcome {
  deps.log.warn('payment_method.call_unsettled', {
    processor: method.processor,
    operation: call,
    entityId: method.id,
    reply: reply.kind,
    reason: 'reason' in reply ? reply.reason : null,
  });
  const { fruitlessLooks } = method;
  const isStored = reply.kind === 'server_error' || reply.kind === 'declined';
  const values = {
    keySeq: method.keySeq + (isStored ? 1 : 0),
    fruitlessLooks: fruitlessLooks + 1,
    dueAtMs: nextLookAtMs(deps.clock.nowMs(), fruitlessLooks),
  };
  return { change: patched(method, values), isSettled: false };
}

/** When a method that waits for its payer is given up. */
export function payerTimeEndMs({ createdAtMs }: Pick<SavedMethod, 'createdAtMs'>): EpochMs {
  return createdAtMs + PAYER_TIME_MS;
}
