/**
 * One change of a saved method before it is written: the only place where one changes state. A move steps the table and
 * links an event into the method's chain; who the method belongs to is in no event beyond their id.
 */
import { invariant } from '../../domain/assert.ts';
import { chainHash, GENESIS_HASH } from '../../domain/chain.ts';
import { regionOfId } from '../../domain/ids.ts';
import { step } from '../../domain/machine.ts';
import type { Processor } from '../../domain/payment/processor-reply.ts';
import { NOTHING_KNOWN, type SavedMethod } from '../../domain/payment/saved-method.ts';
import {
  SAVED_METHOD_MACHINE,
  type SavedMethodEvent,
} from '../../domain/payment/saved-method-machine.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { MethodChange, MethodDeps } from './method-ports.ts';

type ChangeDeps = Pick<MethodDeps, 'clock' | 'ids' | 'digest'>;

/** Who acts where no customer asks. */
export const SWEEP_ACTOR = 'system:payment-methods';

/** What a customer asks to be kept. */
export interface NewMethod {
  readonly id: string;
  readonly userId: string;
  readonly processor: Processor;
  readonly offered: string | null;
  readonly returnUrl: string | null;
  readonly preferredAtMs: EpochMs;
  readonly dueAtMs: EpochMs;
}

/** The first version of a method, with the first link of its chain. */
export function newMethod(deps: ChangeDeps, wanted: NewMethod): MethodChange {
  const method: SavedMethod = {
    ...NOTHING_KNOWN,
    ...wanted,
    state: 'pending',
    customerRef: null,
    setupRef: null,
    kind: null,
    declineCode: null,
    keySeq: 1,
    fruitlessLooks: 0,
    createdAtMs: deps.clock.nowMs(),
    chainSeq: 0,
    chainHash: GENESIS_HASH,
    version: 1,
  };
  return linked(deps, method, { from: null, actor: `customer:${wanted.userId}` });
}

/** Changes what has no table. */
export function patched(method: SavedMethod, values: Patch): MethodChange {
  return { method: { ...method, ...values, version: method.version + 1 }, events: [] };
}

type Patch = Partial<Omit<SavedMethod, 'id' | 'userId' | 'processor' | 'state' | 'version'>>;

/** Steps the method; an event that came late changes nothing but the values. What has ended keeps no token. */
export function moved(
  deps: ChangeDeps,
  method: SavedMethod,
  move: { readonly event: SavedMethodEvent; readonly actor: string; readonly values?: Patch },
): MethodChange {
  const outcome = step(SAVED_METHOD_MACHINE, method.state, move.event);
  invariant(outcome.ok, `saved method ${method.id} is ${method.state} and refuses ${move.event}`);
  const after = patched(method, move.values ?? {}).method;
  if (!outcome.moved) return { method: after, events: [] };
  const isEnd = outcome.to === 'failed' || outcome.to === 'removed';
  const next = { ...after, ...(isEnd ? NOTHING_KNOWN : {}), state: outcome.to };
  return linked(deps, next, { from: outcome.from, actor: move.actor });
}

function linked(
  { clock, ids, digest }: ChangeDeps,
  method: SavedMethod,
  { from, actor }: { from: SavedMethod['state'] | null; actor: string },
): MethodChange {
  const { id, userId, state, processor, kind, declineCode } = method;
  const body = {
    seq: method.chainSeq + 1,
    id: ids.mintInShard('evt', ids.deriveShardKey(regionOfId(id), id)),
    entityId: id,
    parentId: userId,
    type: `payment_method.${state}`,
    from,
    to: state,
    actor,
    reason: null,
    metadata: { processor, kind, declineCode },
    atMs: clock.nowMs(),
  };
  const hash = chainHash(digest, method.chainHash, body);
  return {
    method: { ...method, chainSeq: body.seq, chainHash: hash },
    events: [{ ...body, previousHash: method.chainHash, hash }],
  };
}
