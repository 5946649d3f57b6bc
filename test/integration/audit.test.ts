/**
 * The audit trail keeps every link of a shard's chain, once and in order, whatever is delivered twice, late or at the
 * same time; nobody can write it otherwise; and whatever is changed behind its back is found at its first row.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { AuditStore } from '../../src/application/audit-ports.ts';
import { exportAudit, searchAudit } from '../../src/application/read-audit.ts';
import { verifyAudit } from '../../src/application/verify-audit.ts';
import type { ChainEvent } from '../../src/contracts/shard-streams.ts';
import { GENESIS_HASH, chainHash } from '../../src/domain/chain.ts';
import { required } from '../../src/domain/assert.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { ChainForkError, advanceAudit, type AuditDeps } from '../../src/queues/audit.ts';
import { AuditRepository } from '../../src/storage/d1/audit-repository.ts';

const T0 = Date.parse('2026-12-01T09:00:00Z');
const HOSTILE =
  'nul \u0000 quote \' " back\\slash \u2028 \u{1F600} \ufeff \u202e e\u0301 </script> %00 \u0007';

/** A chain as a shard makes it. */
function makeChain(length: number, label: string): ChainEvent[] {
  const events: ChainEvent[] = [];
  let previousHash = GENESIS_HASH;
  for (let seq = 1; seq <= length; seq += 1) {
    const body = {
      seq,
      id: `evt_${label}_${seq}`,
      entityId: `bkg_${label}_${seq % 7}`,
      parentId: seq % 3 === 0 ? null : `svc_${label}`,
      type: 'booking.confirmed',
      from: seq % 2 === 0 ? null : 'pending',
      to: 'confirmed',
      actor: 'usr_someone',
      reason: seq % 5 === 0 ? HOSTILE : null,
      metadata: { z: 1, a: [true, null, HOSTILE], amountMinor: 2500, share: 0.1 },
      atMs: T0 + Math.floor(seq / 2),
    };
    const hash = chainHash(systemDigest, previousHash, body);
    events.push({ ...body, previousHash, hash });
    previousHash = hash;
  }
  return events;
}

/** A shard that has this chain and nothing else; counts what it is told. */
function fakeShard(chain: readonly ChainEvent[]) {
  const acknowledged: number[] = [];
  const repository = new AuditRepository(env.DB);
  const deps: AuditDeps = {
    appliedSeq: (stream) => repository.appliedSeq(stream),
    append: (stream, events) => repository.append(stream, events),
    readAudit: (shardKey, { afterSeq, limit }) =>
      Promise.resolve({
        shardKey,
        events: chain.slice(afterSeq, afterSeq + limit),
        headSeq: chain.length,
      }),
    acknowledge: (_shardKey, _stream, { seq }) => {
      acknowledged.push(seq);
      return Promise.resolve(chain.length);
    },
  };
  return { deps, acknowledged };
}

/** The stream under verification. */
const VERIFIED = 'gverify00';

/** Verification over rows that may have been tampered with, against the shard's true chain. */
async function verdictOf(
  rows: readonly ChainEvent[],
  truth: readonly ChainEvent[],
  cursor: { appliedSeq: number; headHash: string },
) {
  const audit: Pick<AuditStore, 'readStream' | 'streams'> = {
    readStream: (stream, afterSeq, limit) =>
      Promise.resolve(
        stream === VERIFIED ? rows.filter((row) => row.seq > afterSeq).slice(0, limit) : [],
      ),
    streams: (after) => Promise.resolve(after === '' ? [{ stream: VERIFIED, ...cursor }] : []),
  };
  return verifyAudit({
    digest: systemDigest,
    trails: [
      {
        audit,
        shardKeys: (after) => Promise.resolve(after === '' ? [VERIFIED, 'gempty000'] : []),
        heads: { list: () => Promise.resolve([]), of: () => Promise.resolve(null) },
      },
    ],
    chainHashAt: (_shardKey, seq) => Promise.resolve(truth[seq - 1]?.hash ?? null),
  });
}

const repository = new AuditRepository(env.DB);

describe('copying a chain', () => {
  it('copies every link exactly, hostile text included, page by page, and tells the shard', async () => {
    const chain = makeChain(1_203, 'copy');
    const shard = fakeShard(chain);
    const progress = await advanceAudit(shard.deps, 'gcopy0000');
    expect(progress).toEqual({ appliedSeq: 1_203, isAtHead: true });
    expect(shard.acknowledged).toEqual([500, 1_000, 1_203]);
    const stored: ChainEvent[] = [];
    for (let after = 0; after < 1_203; after += 401) {
      stored.push(...(await repository.readStream('gcopy0000', after, 401)));
    }
    expect(stored).toEqual(chain);
  });

  it('does nothing on a redelivery but tell the shard again', async () => {
    const shard = fakeShard(makeChain(10, 'again'));
    await advanceAudit(shard.deps, 'gagain000');
    await advanceAudit(shard.deps, 'gagain000');
    expect(shard.acknowledged).toEqual([10, 10]);
    expect(await repository.readStream('gagain000', 0, 100)).toHaveLength(10);
  });

  it('lets several consumers run at once and keeps every link once', async () => {
    const chain = makeChain(1_600, 'race');
    const shard = fakeShard(chain);
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => advanceAudit(shard.deps, 'grace0000')),
    );
    expect(outcomes.every((outcome) => outcome.isAtHead)).toBe(true);
    const seqs = (await repository.readStream('grace0000', 0, 5_000)).map((event) => event.seq);
    expect(seqs).toEqual(chain.map((event) => event.seq));
  });

  it('refuses a chain that does not continue the trail, and a trail that is ahead of its shard', async () => {
    await advanceAudit(fakeShard(makeChain(10, 'fork')).deps, 'gfork0000');
    const other = fakeShard(makeChain(12, 'other'));
    const error = await advanceAudit(other.deps, 'gfork0000').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ChainForkError);
    const shorter = fakeShard(makeChain(4, 'fork'));
    const behind = await advanceAudit(shorter.deps, 'gfork0000').catch((caught: unknown) => caught);
    expect(behind).toBeInstanceOf(ChainForkError);
    expect(await repository.appliedSeq('gfork0000')).toBe(10);
  });
});

/** What the database says to a statement. */
async function refusal(sql: string, ...values: (string | number)[]): Promise<string> {
  const outcome = await env.DB.prepare(sql)
    .bind(...values)
    .run()
    .then(() => 'accepted')
    .catch((error: unknown) => String(error));
  return outcome;
}

/** Fills a stream with five links and answers the last one's hash. */
async function head(stream: string, label: string): Promise<string> {
  await advanceAudit(fakeShard(makeChain(5, label)).deps, stream);
  return required((await repository.readStream(stream, 4, 1))[0], 'the fifth link').hash;
}

describe('the database refuses', () => {
  const INSERT = `INSERT INTO audit_event (stream, seq, id, entity_id, type, to_state, actor, metadata, at_ms, previous_hash, hash)
    VALUES (?1, ?2, ?3, 'bkg_x', 'booking.confirmed', 'confirmed', 'usr_x', '{}', 1, ?4, ?5)`;
  const HASH = 'a'.repeat(64);

  it('every update and every delete', async () => {
    await head('glock0000', 'lock');
    const statements = [
      "UPDATE audit_event SET actor = 'usr_other' WHERE stream = 'glock0000' AND seq = 3",
      "UPDATE OR REPLACE audit_event SET seq = 2 WHERE stream = 'glock0000' AND seq = 3",
      "DELETE FROM audit_event WHERE stream = 'glock0000' AND seq = 5",
      "DELETE FROM audit_stream WHERE stream = 'glock0000'",
    ];
    for (const sql of statements) expect(await refusal(sql)).toContain('audit_append_only');
  });

  it('a gap, a repeat, a fork and a replaced id', async () => {
    const last = await head('gnext0000', 'next');
    expect(await refusal(INSERT, 'gnext0000', 7, 'evt_a', last, HASH)).toContain('conflict');
    expect(await refusal(INSERT, 'gnext0000', 5, 'evt_a', last, HASH)).toContain('conflict');
    expect(await refusal(INSERT, 'gnext0000', 6, 'evt_a', HASH, HASH)).toContain('conflict');
    const replace = INSERT.replace('INSERT', 'INSERT OR REPLACE');
    expect(await refusal(replace, 'gnext0000', 6, 'evt_next_2', last, HASH)).toContain('conflict');
    expect(await refusal(INSERT, 'gnext0000', 6, 'evt_a', last, HASH)).toBe('accepted');
  });

  it('a first link that does not begin at 1 with the genesis hash', async () => {
    expect(await refusal(INSERT, 'gfirst000', 2, 'evt_f', GENESIS_HASH, HASH)).toContain(
      'conflict',
    );
    expect(await refusal(INSERT, 'gfirst000', 1, 'evt_f', HASH, HASH)).toContain('conflict');
    expect(await refusal(INSERT, 'gfirst000', 1, 'evt_f', GENESIS_HASH, HASH)).toBe('accepted');
  });

  it('a cursor that moves back, or to a row that is not there', async () => {
    await head('gcursor00', 'cursor');
    const move = 'UPDATE audit_stream SET applied_seq = ?1, head_hash = ?2 WHERE stream = ?3';
    const [early] = await repository.readStream('gcursor00', 1, 1);
    const earlyHash = required(early, 'the second link').hash;
    expect(await refusal(move, 2, earlyHash, 'gcursor00')).toContain('conflict');
    expect(await refusal(move, 9, HASH, 'gcursor00')).toContain('conflict');
  });
});

describe('verification', () => {
  const LENGTH = 2_345;
  const chain = makeChain(LENGTH, 'verify');
  const headHash = required(chain.at(-1), 'a chain has an end').hash;
  const cursor = { appliedSeq: LENGTH, headHash };

  it('passes an untouched trail, names its head, and lists a shard without rows', async () => {
    const verdict = await verdictOf(chain, chain, cursor);
    expect(verdict).toEqual({
      valid: true,
      streams: [
        { stream: VERIFIED, rows: LENGTH, head: headHash },
        { stream: 'gempty000', rows: 0, head: GENESIS_HASH },
      ],
    });
  });

  it('passes a trail that lags behind its shard', async () => {
    const rows = chain.slice(0, 2_000);
    const appliedHash = required(rows.at(-1), 'a chain has an end').hash;
    const lagging = { appliedSeq: 2_000, headHash: appliedHash };
    expect((await verdictOf(rows, chain, lagging)).valid).toBe(true);
  });

  const edits: [string, (event: ChainEvent) => ChainEvent][] = [
    ['entityId', (event) => ({ ...event, entityId: 'bkg_other' })],
    ['parentId', (event) => ({ ...event, parentId: event.parentId === null ? 'svc_x' : null })],
    ['type', (event) => ({ ...event, type: 'booking.cancelled' })],
    ['from', (event) => ({ ...event, from: 'expired' })],
    ['to', (event) => ({ ...event, to: 'cancelled' })],
    ['actor', (event) => ({ ...event, actor: 'usr_other' })],
    ['reason', (event) => ({ ...event, reason: 'other' })],
    ['metadata', (event) => ({ ...event, metadata: { ...event.metadata, amountMinor: 2501 } })],
    ['atMs', (event) => ({ ...event, atMs: event.atMs + 1 })],
    ['id', (event) => ({ ...event, id: 'evt_other' })],
    ['previousHash', (event) => ({ ...event, previousHash: 'f'.repeat(64) })],
    ['hash', (event) => ({ ...event, hash: 'f'.repeat(64) })],
  ];
  for (const [field, edit] of edits) {
    it(`finds a changed ${field} at its row`, async () => {
      for (const seq of [1, 1_000, 1_001, LENGTH]) {
        const rows = chain.map((event) => (event.seq === seq ? edit(event) : event));
        const verdict = await verdictOf(rows, chain, cursor);
        expect(verdict.valid).toBe(false);
        expect(verdict.streams[0]?.firstBad).toBe(seq);
      }
    });
  }

  it('finds a deleted row, a swapped pair and a cut tail', async () => {
    const deleted = chain.filter((event) => event.seq !== 700);
    expect((await verdictOf(deleted, chain, cursor)).streams[0]?.firstBad).toBe(700);
    const swapped = chain.map((event) => {
      if (event.seq === 10) return { ...required(chain[10], 'the eleventh'), seq: 10 };
      return event.seq === 11 ? { ...required(chain[9], 'the tenth'), seq: 11 } : event;
    });
    expect((await verdictOf(swapped, chain, cursor)).streams[0]?.firstBad).toBe(10);
    const cut = chain.slice(0, 2_300);
    expect((await verdictOf(cut, chain, cursor)).streams[0]?.firstBad).toBe(2_301);
  });

  it('finds where a trail was rewritten soundly, by asking the shard', async () => {
    const forged = chain.slice(0, 1_499);
    let previousHash = required(forged.at(-1), 'the last true link').hash;
    for (const event of chain.slice(1_499)) {
      const body = { ...event, actor: 'usr_forger' };
      const hash = chainHash(systemDigest, previousHash, body);
      forged.push({ ...body, previousHash, hash });
      previousHash = hash;
    }
    const forgedCursor = { appliedSeq: LENGTH, headHash: previousHash };
    const verdict = await verdictOf(forged, chain, forgedCursor);
    expect(verdict.streams[0]?.firstBad).toBe(1_500);
  });

  it('finds rows that their shard does not have', async () => {
    const verdict = await verdictOf(chain, chain.slice(0, 2_000), cursor);
    expect(verdict.streams[0]?.firstBad).toBe(2_001);
  });
});

describe('verification of a subscription, which keeps the head of its chain alone', () => {
  const STREAM = 'sub_gverified';
  const LENGTH = 1_205;
  const chain = makeChain(LENGTH, 'subscription');
  const headOf = (rows: readonly ChainEvent[]) => {
    const { seq, hash } = required(rows.at(-1), 'a chain has an end');
    return { stream: STREAM, seq, hash };
  };

  /** `heads`: what the subscription says each time that it is asked, the list first; its last word stays. */
  async function verdictOn(trail: {
    rowsAt: (asked: number) => readonly ChainEvent[];
    heads: readonly (ReturnType<typeof headOf> | null)[];
    cursor: ReturnType<typeof headOf> | null;
  }) {
    let asked = 0;
    const { cursor } = trail;
    const say = () => trail.heads[Math.min(asked, trail.heads.length - 1)] ?? null;
    const { streams } = await verifyAudit({
      digest: systemDigest,
      trails: [
        {
          audit: {
            readStream: (_stream, afterSeq, limit) =>
              Promise.resolve(
                trail
                  .rowsAt(asked)
                  .filter((row) => row.seq > afterSeq)
                  .slice(0, limit),
              ),
            streams: (after) =>
              Promise.resolve(
                cursor === null || after !== ''
                  ? []
                  : [{ stream: STREAM, appliedSeq: cursor.seq, headHash: cursor.hash }],
              ),
          },
          shardKeys: () => Promise.resolve([]),
          heads: {
            list: (after) => {
              const said = say();
              return Promise.resolve(after === '' && said !== null ? [said] : []);
            },
            of: () => {
              asked += 1;
              return Promise.resolve(say());
            },
          },
        },
      ],
      chainHashAt: () => Promise.reject(new Error('a subscription is no shard')),
    });
    return streams;
  }

  it('passes an untouched trail', async () => {
    const end = headOf(chain);
    const streams = await verdictOn({ rowsAt: () => chain, heads: [end], cursor: end });
    expect(streams).toEqual([{ stream: STREAM, rows: LENGTH, head: end.hash }]);
  });

  it('passes a trail that grows while it is read', async () => {
    const early = chain.slice(0, 900);
    const cursor = headOf(early);
    const grown = { heads: [cursor, headOf(chain)], cursor };
    const during = await verdictOn({ ...grown, rowsAt: () => chain });
    expect(during).toEqual([{ stream: STREAM, rows: LENGTH, head: headOf(chain).hash }]);
    const after = await verdictOn({
      ...grown,
      rowsAt: (asked) => (asked === 0 ? early : chain),
      heads: [headOf(chain.slice(0, 899)), headOf(chain.slice(0, 1_000))],
    });
    expect(after).toEqual([{ stream: STREAM, rows: LENGTH, head: headOf(chain).hash }]);
  });

  it('finds a trail that is missing, one that was cut, and one that nobody vouches for', async () => {
    const end = headOf(chain);
    const missing = await verdictOn({ rowsAt: () => [], heads: [end], cursor: null });
    expect(missing).toMatchObject([{ rows: 0, firstBad: 1 }]);
    const rows = chain.slice(0, 1_100);
    const cut = await verdictOn({ rowsAt: () => rows, heads: [end], cursor: headOf(rows) });
    expect(cut).toMatchObject([{ rows: 1_100, firstBad: 1_101 }]);
    const foreign = await verdictOn({ rowsAt: () => rows, heads: [null], cursor: headOf(rows) });
    expect(foreign).toMatchObject([{ rows: 1_100, firstBad: 1 }]);
  });

  it('finds rows that were added, and a trail that was rewritten soundly', async () => {
    const cursor = headOf(chain);
    const known = headOf(chain.slice(0, 1_000));
    const added = await verdictOn({ rowsAt: () => chain, heads: [known], cursor });
    expect(added).toMatchObject([{ rows: LENGTH, firstBad: 1_001 }]);
    const forged = makeChain(LENGTH, 'forged');
    const anew = await verdictOn({
      rowsAt: () => forged,
      heads: [cursor],
      cursor: headOf(forged),
    });
    expect(anew).toMatchObject([{ rows: LENGTH, firstBad: 1 }]);
  });
});

describe('reading', () => {
  it('finds rows by entity and by what they belong to, in order, page by page', async () => {
    const chain = makeChain(200, 'read');
    await advanceAudit(fakeShard(chain).deps, 'gread0000');
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await searchAudit([repository, new AuditRepository(env.DB_EU)], {
        entityId: 'svc_read',
        fromMs: T0 + 10,
        toMs: T0 + 50,
        cursor,
        limit: 7,
      });
      if (!page.ok) throw new Error(page.refusal.detail);
      seen.push(...page.value.data.map((row) => row.event.seq));
      cursor = page.value.nextCursor ?? undefined;
    } while (cursor !== undefined);
    const expected = chain.filter(
      (event) => event.parentId === 'svc_read' && event.atMs >= T0 + 10 && event.atMs < T0 + 50,
    );
    expect(seen).toEqual(expected.map((event) => event.seq));
  });

  it('exports lines that anybody can check', async () => {
    await advanceAudit(fakeShard(makeChain(20, 'export')).deps, 'gexport00');
    const heads = new Map<string, string>();
    for await (const lines of exportAudit([repository])) {
      for (const text of lines.map((line) => JSON.stringify(line))) {
        const line = JSON.parse(text) as { stream: string; hash: string; event: ChainEvent };
        const before = heads.get(line.stream) ?? GENESIS_HASH;
        // The made-up rows of the refusal tests carry no true hash.
        if (line.hash === 'a'.repeat(64)) continue;
        expect(line.hash).toBe(systemDigest.sha256(before + systemDigest.canonical(line.event)));
        heads.set(line.stream, line.hash);
      }
    }
    expect(heads.size).toBeGreaterThan(3);
  });

  it('refuses a cursor of another list', async () => {
    const search = { entityId: null, fromMs: null, toMs: null, limit: 10 };
    for (const cursor of ['x', '!!', btoa('[1]'), btoa('["a","b","c"]'), btoa('{}')]) {
      const page = await searchAudit([repository], { ...search, cursor });
      expect(page.ok).toBe(false);
    }
  });
});
