/** Members are told what billing has noted, again until it is taken, and at once no more than the receiver bears. */
import { describe, expect, it } from 'vitest';
import {
  sendNotices,
  type MemberNotice,
  type SendNoticesDeps,
  type WaitingNotice,
} from '../../src/application/billing/send-notices.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';

const NOW_MS = 1_780_000_000_000;

interface Row extends WaitingNotice {
  attempts: number;
  sentAtMs: number | null;
  nextAttemptAtMs: number;
}

function noteOf(id: number, invoiceId: string | null = null, attempts = 0): Row {
  return {
    id,
    kind: 'payment_failed',
    subscriptionId: 'sub_g1',
    userId: 'usr_g1',
    invoiceId,
    attempts,
    sentAtMs: null,
    nextAttemptAtMs: 0,
  };
}

/** An invoice whose state its id tells. */
async function invoiceOf(id: string) {
  return { id, payToken: 'secret', state: id.slice('inv_'.length) };
}

/** Notices of the global region, an open and a paid invoice, and a receiver that takes what it is told to take. */
function setUp(rows: Row[], takes: (notice: MemberNotice) => boolean = () => true) {
  const told: MemberNotice[] = [];
  const find = (id: number): Row => rows.find((row) => row.id === id) ?? noteOf(id);
  const store = (region: 'global' | 'eu') => ({
    unsent: async ({ nowMs, limit }: { nowMs: number; limit: number }) =>
      region === 'eu'
        ? []
        : rows
            .filter((row) => row.sentAtMs === null && row.nextAttemptAtMs <= nowMs)
            .slice(0, limit),
    markSent: async (id: number, nowMs: number) => {
      find(id).sentAtMs = nowMs;
    },
    markFailed: async (id: number, { nextAttemptAtMs }: { nextAttemptAtMs: number }) => {
      Object.assign(find(id), { nextAttemptAtMs, attempts: find(id).attempts + 1 });
    },
  });
  const deps = {
    clock: { nowMs: () => NOW_MS },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    publicUrl: 'https://holdfast.test',
    billing: () => ({ invoice: invoiceOf }),
    notices: store,
    tellMember: async (notice: MemberNotice) => {
      told.push(notice);
      return takes(notice) ? null : 'answered 500';
    },
  } as unknown as SendNoticesDeps;
  return { deps, told, rows };
}

describe('notices', () => {
  it('carry the link of an invoice while it can be paid, and an id that is theirs for good', async () => {
    const { deps, told } = setUp([noteOf(1, 'inv_open'), noteOf(2, 'inv_paid'), noteOf(3)]);
    expect(await sendNotices(deps)).toEqual({ noticesSent: 3, noticesFailed: 0 });
    expect(told.map(({ id, link }) => [id, link])).toEqual([
      ['global-1', 'https://holdfast.test/invoices/inv_open/pay?token=secret'],
      ['global-2', null],
      ['global-3', null],
    ]);
  });

  it('are sent once each, however many there are', async () => {
    const { deps, told } = setUp(Array.from({ length: 30 }, (_, id) => noteOf(id)));
    expect((await sendNotices(deps)).noticesSent).toBe(30);
    await sendNotices(deps);
    expect(new Set(told.map(({ id }) => id)).size).toBe(30);
    expect(told).toHaveLength(30);
  });

  it('that are not taken wait longer each time, and do not hold up the others', async () => {
    const rows = [noteOf(1), noteOf(2, null, 3), noteOf(3, null, 50), noteOf(4)];
    const { deps } = setUp(rows, ({ id }) => id === 'global-4');
    expect(await sendNotices(deps)).toEqual({ noticesSent: 1, noticesFailed: 3 });
    expect(rows.map(({ nextAttemptAtMs }) => nextAttemptAtMs)).toEqual([
      NOW_MS + MINUTE_MS,
      NOW_MS + 8 * MINUTE_MS,
      NOW_MS + 6 * HOUR_MS,
      0,
    ]);
  });

  it('are left to the next run where nobody takes anything', async () => {
    const { deps, told } = setUp(
      Array.from({ length: 30 }, (_, id) => noteOf(id)),
      () => false,
    );
    expect((await sendNotices(deps)).noticesSent).toBe(0);
    expect(told.length).toBeLessThan(10);
  });
});
