/** The records of a shard: answers under their keys, the hash chain, and how far its consumers have come. */
import type { InventoryStore, StoredCall } from '../../application/inventory-store.ts';
import type { ChainEvent } from '../../contracts/durable-rpc.ts';
import { eventFromRow, type Row } from './inventory-rows.ts';

/** How the parts of the store reach SQL. */
export interface SqlAccess {
  readonly all: (statement: string, ...values: SqlStorageValue[]) => Row[];
  readonly one: (statement: string, ...values: SqlStorageValue[]) => Row | null;
  readonly run: (statement: string, ...values: SqlStorageValue[]) => void;
  readonly sql: SqlStorage;
}

type CallMethods = 'call' | 'saveCall' | 'forgetCalls';
type ChainMethods =
  | 'chainHead'
  | 'appendEvent'
  | 'events'
  | 'eventsOf'
  | 'eventHash'
  | 'streamCursor'
  | 'saveStreamCursor';

/** Calls and chain. */
export function recordStore(access: SqlAccess): Pick<InventoryStore, CallMethods | ChainMethods> {
  return { ...callStore(access), ...chainStore(access) };
}

function callStore({ one, run }: SqlAccess): Pick<InventoryStore, CallMethods> {
  return {
    call(callerId, key): StoredCall | null {
      const row = one('SELECT * FROM call WHERE caller_id = ? AND key = ?', callerId, key);
      if (row === null) return null;
      return {
        fingerprint: row['fingerprint'] as string,
        state: row['state'] as StoredCall['state'],
        leaseUntilMs: row['lease_until_ms'] as number,
        recoveryId: row['recovery_id'] as string | null,
        answer:
          row['status'] === null
            ? null
            : { status: row['status'] as number, body: row['body'] as string },
      };
    },
    saveCall(callerId, key, call) {
      run(
        `INSERT INTO call (caller_id, key, fingerprint, state, lease_until_ms, recovery_id, status, body, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (caller_id, key) DO UPDATE SET state = excluded.state, lease_until_ms = excluded.lease_until_ms,
           recovery_id = excluded.recovery_id, status = excluded.status, body = excluded.body`,
        callerId,
        key,
        call.fingerprint,
        call.state,
        call.leaseUntilMs,
        call.recoveryId,
        call.answer?.status ?? null,
        call.answer?.body ?? null,
        call.createdAtMs,
      );
    },
    forgetCalls(beforeMs, limit) {
      run(
        `DELETE FROM call WHERE (caller_id, key) IN (
           SELECT caller_id, key FROM call WHERE created_at_ms < ? ORDER BY created_at_ms LIMIT ?)`,
        beforeMs,
        limit,
      );
    },
  };
}

function chainStore({ all, one, run }: SqlAccess): Pick<InventoryStore, ChainMethods> {
  return {
    chainHead() {
      const row = one('SELECT seq, hash FROM chain_event ORDER BY seq DESC LIMIT 1');
      return row === null ? null : { seq: row['seq'] as number, hash: row['hash'] as string };
    },
    appendEvent: (event) => appendEvent(run, event),
    events: (afterSeq, limit) =>
      all('SELECT * FROM chain_event WHERE seq > ? ORDER BY seq LIMIT ?', afterSeq, limit).map(
        eventFromRow,
      ),
    eventsOf: (entityId) =>
      all('SELECT * FROM chain_event WHERE entity_id = ? ORDER BY seq', entityId).map(eventFromRow),
    eventHash(seq) {
      return (
        (one('SELECT hash FROM chain_event WHERE seq = ?', seq)?.['hash'] as string | undefined) ??
        null
      );
    },
    streamCursor(stream) {
      const row = one('SELECT acknowledged_seq FROM stream_cursor WHERE stream = ?', stream);
      return row === null ? 0 : (row['acknowledged_seq'] as number);
    },
    saveStreamCursor(stream, seq) {
      run(
        `INSERT INTO stream_cursor (stream, acknowledged_seq) VALUES (?, ?)
         ON CONFLICT (stream) DO UPDATE SET acknowledged_seq = max(acknowledged_seq, excluded.acknowledged_seq)`,
        stream,
        seq,
      );
    },
  };
}

function appendEvent(run: SqlAccess['run'], event: ChainEvent): void {
  run(
    `INSERT INTO chain_event (seq, id, entity_id, parent_id, type, from_state, to_state, actor, reason, metadata,
       at_ms, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    event.seq,
    event.id,
    event.entityId,
    event.parentId,
    event.type,
    event.from,
    event.to,
    event.actor,
    event.reason,
    JSON.stringify(event.metadata),
    event.atMs,
    event.previousHash,
    event.hash,
  );
}
