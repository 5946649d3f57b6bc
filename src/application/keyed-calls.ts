/**
 * Idempotent calls inside a shard: the key is looked up first, the answer is written with the effect,
 * and a refusal is remembered like a success. One transaction, so there is never one without the other.
 */
import type { CallKey, KeyedReply } from '../contracts/calls.ts';
import { invariant } from '../domain/assert.ts';
import { CALL_LEASE_MS, decideCall, isTransient } from '../domain/idempotency.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import type { StoredAnswer, StoredCall } from './inventory-store.ts';
import type { ShardState } from './shard-state.ts';

/** In a stored answer: the body is a refusal, whose status the edge knows. */
const REFUSAL_STATUS = 0;

/** Who calls under which key. */
export interface KeyedCaller {
  readonly callerId: string;
  readonly call: CallKey;
}

/** A decision: a value with its status, or a refusal. */
export type Decision<T> =
  | { readonly ok: true; readonly status: number; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** What the record of a key says before anything is decided. */
export type KeyVerdict<T> =
  | { readonly kind: 'answered'; readonly reply: KeyedReply<T> }
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly recoveryId: string };

/** Looks the key up; answers a replay, a mismatch and a call in progress by itself. */
export function lookUpCall<T>(shard: ShardState, keyed: KeyedCaller): KeyVerdict<T> {
  const record = shard.store.call(keyed.callerId, keyed.call.key);
  switch (decideCall(record, { fingerprint: keyed.call.fingerprint, nowMs: shard.nowMs })) {
    case 'fresh':
      return { kind: 'fresh' };
    case 'replay':
      return { kind: 'answered', reply: replay<T>(record as StoredCall) };
    case 'mismatch':
      return answered(
        refuse('idempotency_key_reused', 'The key was used for another request.').refusal,
      );
    case 'in_progress':
      return answered(
        refuse('idempotency_key_in_progress', 'The first call with this key still runs.', {
          retryAfterSeconds: 1,
        }).refusal,
      );
    case 'resume': {
      const recoveryId = record?.recoveryId ?? null;
      return recoveryId === null ? { kind: 'fresh' } : { kind: 'resume', recoveryId };
    }
  }
}

/** Runs a decision that is final at once, and remembers its answer. */
export function answerKeyed<T>(
  shard: ShardState,
  keyed: KeyedCaller,
  decide: () => Decision<T>,
): KeyedReply<T> {
  const verdict = lookUpCall<T>(shard, keyed);
  if (verdict.kind === 'answered') return verdict.reply;
  return remember(shard, keyed, decide());
}

/** Writes a final answer under its key; a transient refusal is given and forgotten. */
export function remember<T>(
  shard: ShardState,
  keyed: KeyedCaller,
  decision: Decision<T>,
): KeyedReply<T> {
  if (decision.ok || !isTransient(decision.refusal.code)) {
    const answer: StoredAnswer = decision.ok
      ? { status: decision.status, body: JSON.stringify(decision.value) }
      : { status: REFUSAL_STATUS, body: JSON.stringify(decision.refusal) };
    saveCall(shard, keyed, {
      state: 'done',
      leaseUntilMs: 0,
      recoveryId: null,
      answer,
    });
  }
  return { ...decision, replayed: false };
}

/** Marks a call as running: it owns its key until the lease ends, and a later try goes on from `recoveryId`. */
export function leaseCall(shard: ShardState, keyed: KeyedCaller, recoveryId: string): void {
  saveCall(shard, keyed, {
    state: 'running',
    leaseUntilMs: shard.nowMs + CALL_LEASE_MS,
    recoveryId,
    answer: null,
  });
}

/** Renews the lease of a call that is at work; one that is finished or unknown is left alone. */
export function renewCall(shard: ShardState, keyed: KeyedCaller): void {
  const record = shard.store.call(keyed.callerId, keyed.call.key);
  if (record?.state !== 'running' || record.recoveryId === null) return;
  leaseCall(shard, keyed, record.recoveryId);
}

function saveCall(
  shard: ShardState,
  { callerId, call: { key, fingerprint } }: KeyedCaller,
  call: Omit<StoredCall, 'fingerprint'>,
): void {
  shard.store.saveCalls([{ ...call, callerId, key, fingerprint, createdAtMs: shard.nowMs }]);
}

function answered<T>(refusal: Refusal): KeyVerdict<T> {
  return { kind: 'answered', reply: { ok: false, refusal, replayed: false } };
}

function replay<T>({ answer }: StoredCall): KeyedReply<T> {
  invariant(answer !== null, 'a finished call has an answer');
  if (answer.status === REFUSAL_STATUS) {
    return { ok: false, refusal: JSON.parse(answer.body) as Refusal, replayed: true };
  }
  return { ok: true, status: answer.status, value: JSON.parse(answer.body) as T, replayed: true };
}
