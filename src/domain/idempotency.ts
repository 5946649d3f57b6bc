/**
 * What to do with a call that carries an idempotency key: the effect happens once, the answer is the same for ever.
 * Source: IETF draft httpapi-idempotency-key-header-07; refusals are remembered like successes, transient ones are not.
 */
import { TRANSIENT_CODES, type RefusalCode } from './codes.ts';
import { HOUR_MS, SECOND_MS, type EpochMs } from './time.ts';

/** How long a running call owns its key without a sign of life. */
export const CALL_LEASE_MS = 30 * SECOND_MS;

/** How long an answer is kept: longer than the longest promise (24 h), so that a clock at the edge breaks none. */
export const CALL_RETENTION_MS = 72 * HOUR_MS;

/** What is recorded under a key. */
export interface CallRecord {
  readonly fingerprint: string;
  readonly state: 'running' | 'done';
  readonly leaseUntilMs: EpochMs;
  /** The entity whose recorded steps a resumed call goes on from. */
  readonly recoveryId: string | null;
}

/**
 * fresh: nobody used the key. replay: give the first answer again. mismatch: the key names another request.
 * in_progress: the first call still runs. resume: its caller vanished; go on from the recorded step.
 */
export type CallDecision = 'fresh' | 'replay' | 'mismatch' | 'in_progress' | 'resume';

/** Decides by the record alone; pure. */
export function decideCall(
  record: CallRecord | null,
  call: { fingerprint: string; nowMs: EpochMs },
): CallDecision {
  if (record === null) return 'fresh';
  if (record.fingerprint !== call.fingerprint) return 'mismatch';
  if (record.state === 'done') return 'replay';
  return record.leaseUntilMs > call.nowMs ? 'in_progress' : 'resume';
}

/** True for a refusal that the next try may turn into a success, so that it must not be remembered. */
export function isTransient(code: RefusalCode): boolean {
  return TRANSIENT_CODES.has(code);
}
