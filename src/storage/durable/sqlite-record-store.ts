/** The records of a shard: answers under their keys, the hash chain, how far its consumers have come, and notices of quota. */
import type { InventoryStore, StoredCall } from '../../application/inventory-store.ts';
import { eventFromRow, noticeFromRow, type Row } from './inventory-rows.ts';

/** How the parts of the store reach SQL. */
export interface SqlAccess {
  readonly all: (statement: string, ...values: SqlStorageValue[]) => Row[];
  readonly one: (statement: string, ...values: SqlStorageValue[]) => Row | null;
  readonly run: (statement: string, ...values: SqlStorageValue[]) => void;
  readonly sql: SqlStorage;
}

type CallMethods = 'call' | 'saveCalls' | 'forgetCalls';
type ChainMethods =
  | 'chainHead'
  | 'appendEvents'
  | 'events'
  | 'eventsOf'
  | 'moneyEvents'
  | 'lastMoneySeq'
  | 'eventHash'
  | 'streamCursor'
  | 'saveStreamCursor';

type NoticeMethods = 'addQuotaNotice' | 'quotaNoticeOf' | 'quotaNotices' | 'forgetQuotaNotices';

/** Many rows in one statement: the price of a small write is the statement, not the row. */
const SAVE_CALLS = `
  INSERT INTO call (caller_id, key, fingerprint, state, lease_until_ms, recovery_id, status, body, created_at_ms)
  SELECT value ->> 'callerId', value ->> 'key', value ->> 'fingerprint', value ->> 'state', value ->> 'leaseUntilMs',
    value ->> 'recoveryId', value ->> 'status', value ->> 'body', value ->> 'createdAtMs'
  FROM json_each(?) WHERE true
  ON CONFLICT (caller_id, key) DO UPDATE SET state = excluded.state, lease_until_ms = excluded.lease_until_ms,
    recovery_id = excluded.recovery_id, status = excluded.status, body = excluded.body`;

const APPEND_EVENTS = `
  INSERT INTO chain_event (seq, id, entity_id, parent_id, type, from_state, to_state, actor, reason, metadata,
    at_ms, previous_hash, hash)
  SELECT value ->> 'seq', value ->> 'id', value ->> 'entityId', value ->> 'parentId', value ->> 'type',
    value ->> 'from', value ->> 'to', value ->> 'actor', value ->> 'reason', value -> 'metadata',
    value ->> 'atMs', value ->> 'previousHash', value ->> 'hash'
  FROM json_each(?)`;

/** The condition of the index that these events have, word for word, so that it is used. */
const IS_MONEY = `type IN ('payment.received', 'payment.fee', 'refund.succeeded', 'refund.failed', 'dispute.open',
  'dispute.won', 'dispute.lost')`;

/** Calls, chain and notices. */
export function recordStore(
  access: SqlAccess,
): Pick<InventoryStore, CallMethods | ChainMethods | NoticeMethods> {
  return { ...callStore(access), ...chainStore(access), ...noticeStore(access) };
}

function noticeStore({ all, one, run }: SqlAccess): Pick<InventoryStore, NoticeMethods> {
  return {
    addQuotaNotice({ memberId, outcome: { grantId, state, uses } }) {
      run(
        'INSERT OR REPLACE INTO quota_notice (member_id, grant_id, state, uses) VALUES (?, ?, ?, ?)',
        memberId,
        grantId,
        state,
        JSON.stringify(uses),
      );
    },
    quotaNoticeOf(grantId) {
      const row = one('SELECT * FROM quota_notice WHERE grant_id = ?', grantId);
      return row === null ? null : noticeFromRow(row);
    },
    quotaNotices: (limit) =>
      all('SELECT * FROM quota_notice ORDER BY seq LIMIT ?', limit).map(noticeFromRow),
    forgetQuotaNotices(seqs) {
      run(
        'DELETE FROM quota_notice WHERE seq IN (SELECT value FROM json_each(?))',
        JSON.stringify(seqs),
      );
    },
  };
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
    saveCalls(calls) {
      const rows = calls.map(({ answer, ...call }) => ({ ...call, ...answer }));
      run(SAVE_CALLS, JSON.stringify(rows));
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
    appendEvents: (events) => run(APPEND_EVENTS, JSON.stringify(events)),
    events: (afterSeq, limit) =>
      all('SELECT * FROM chain_event WHERE seq > ? ORDER BY seq LIMIT ?', afterSeq, limit).map(
        eventFromRow,
      ),
    eventsOf: (entityId) =>
      all('SELECT * FROM chain_event WHERE entity_id = ? ORDER BY seq', entityId).map(eventFromRow),
    moneyEvents: (afterSeq, limit) =>
      all(
        `SELECT * FROM chain_event WHERE seq > ? AND ${IS_MONEY} ORDER BY seq LIMIT ?`,
        afterSeq,
        limit,
      ).map(eventFromRow),
    lastMoneySeq: () =>
      (one(`SELECT coalesce(max(seq), 0) AS seq FROM chain_event WHERE ${IS_MONEY}`)?.['seq'] ??
        0) as number,
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
