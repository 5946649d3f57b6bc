/**
 * Tells members what billing has noted for them: each notice at least once, again with growing pauses while nobody takes
 * it; those of one member one after the other. Decides nothing about money. Called at the end of each run of the renewals.
 */
import { payUrl } from '../../contracts/http/subscriptions.ts';
import type { DataRegion } from '../../domain/ids.ts';
import type { Notice } from '../../domain/subscription/subscription.ts';
import { HOUR_MS, MINUTE_MS, type EpochMs } from '../../domain/time.ts';
import type { Clock, Logger } from '../ports.ts';
import type { BillingDeps } from './billing-deps.ts';

/** Notices of one region that one run sends; the next run goes on. */
const RUN_MAX = 400;

/** Notices on their way at the same time. */
const AT_ONCE = 8;

/** The longest pause before a notice that nobody took is sent again. */
const PAUSE_MAX_MS = 6 * HOUR_MS;

/** A notice that waits; its number is unique in its region. */
export interface WaitingNotice extends Notice {
  readonly id: number;
  readonly attempts: number;
}

/** Notices of one region. */
export interface NoticeStore {
  unsent(query: { readonly nowMs: EpochMs; readonly limit: number }): Promise<WaitingNotice[]>;
  markSent(id: number, nowMs: EpochMs): Promise<void>;
  markFailed(
    id: number,
    failure: { readonly error: string; readonly nextAttemptAtMs: EpochMs },
  ): Promise<void>;
}

/** A notice as it leaves the platform; repeated it has the same id. */
export interface MemberNotice extends Notice {
  readonly id: string;
  /** The page of the invoice that waits for the member; null where there is nothing to pay. */
  readonly link: string | null;
}

export interface SendNoticesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly publicUrl: string;
  readonly billing: BillingDeps['billing'];
  readonly notices: (region: DataRegion) => NoticeStore;
  /** Hands one on; null when it was taken, else why not. Never throws. */
  readonly tellMember: (notice: MemberNotice) => Promise<string | null>;
}

/** How many were taken, and how many are to be sent again. */
export interface NoticesReport {
  noticesSent: number;
  noticesFailed: number;
}

/** Sends what is due. Where nobody takes anything at all the rest is left to the next run. */
export async function sendNotices(deps: SendNoticesDeps): Promise<NoticesReport> {
  const report: NoticesReport = { noticesSent: 0, noticesFailed: 0 };
  for (const region of ['global', 'eu'] as const) {
    for (let count = 0; count < RUN_MAX; count += AT_ONCE) {
      const batch = await deps
        .notices(region)
        .unsent({ nowMs: deps.clock.nowMs(), limit: AT_ONCE });
      const sent = await sendBatch(deps, region, batch);
      report.noticesSent += sent;
      report.noticesFailed += batch.length - sent;
      if (batch.length < AT_ONCE || sent === 0) break;
    }
  }
  return report;
}

/** Gives how many were taken. */
async function sendBatch(
  deps: SendNoticesDeps,
  region: DataRegion,
  batch: readonly WaitingNotice[],
): Promise<number> {
  let sent = 0;
  const members = new Set(batch.map(({ userId }) => userId));
  const sendTo = async (member: string): Promise<void> => {
    for (const notice of batch.filter(({ userId }) => userId === member)) {
      if (await send(deps, region, notice)) sent += 1;
    }
  };
  await Promise.all([...members].map(sendTo));
  return sent;
}

async function send(
  deps: SendNoticesDeps,
  region: DataRegion,
  waiting: WaitingNotice,
): Promise<boolean> {
  const { kind, subscriptionId, userId, invoiceId } = waiting;
  const link = await linkOf(deps, region, invoiceId);
  const id = `${region}-${waiting.id}`;
  const fault = await deps.tellMember({ id, kind, subscriptionId, userId, invoiceId, link });
  const store = deps.notices(region);
  const nowMs = deps.clock.nowMs();
  if (fault === null) {
    await store.markSent(waiting.id, nowMs);
    return true;
  }
  deps.log.warn('notice.send_failed', { type: kind, attempts: waiting.attempts, reason: fault });
  const pauseMs = Math.min(MINUTE_MS * 2 ** Math.min(waiting.attempts, 10), PAUSE_MAX_MS);
  await store.markFailed(waiting.id, { error: fault, nextAttemptAtMs: nowMs + pauseMs });
  return false;
}

async function linkOf(
  deps: SendNoticesDeps,
  region: DataRegion,
  invoiceId: string | null,
): Promise<string | null> {
  const invoice = invoiceId === null ? null : await deps.billing(region).invoice(invoiceId);
  return invoice?.state === 'open' ? payUrl(invoice, deps.publicUrl) : null;
}
