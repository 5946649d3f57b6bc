/**
 * Contract of a payment gateway, part three: what is read without asking for an effect.
 * Run by payment-gateway.case.ts.
 */
import { describe, expect } from 'vitest';
import type { ListedPayment, WebhookEvent } from '../../src/application/ports.ts';
import {
  AMOUNT,
  MINUTE_MS,
  newKey,
  open,
  paymentIdOf,
  authorized,
  captured,
  promisesOf,
  type Contract,
} from './payment-gateway-subject.ts';
import { newRefundId } from './payment-gateway-refunds.case.ts';

/** A payment about which there is an event: authorised, or paid where nothing is authorised. */
function moved(contract: Contract): Promise<string> {
  return contract.traits.flow === 'push' ? captured(contract) : authorized(contract);
}

async function readSigned(
  contract: Contract,
  request: {
    secret?: 'current' | 'previous' | 'wrong';
    skewSeconds?: number;
    sentBody?: (body: string) => string;
  },
): Promise<WebhookEvent | null> {
  const ref = await moved(contract);
  const { rawBody: body } = await contract.harness.deliveredEvent(ref);
  const nowMs = contract.harness.nowMs();
  const signed = await contract.harness.sign({
    body,
    atMs: nowMs + (request.skewSeconds ?? 0) * 1_000,
    secret: request.secret ?? 'current',
  });
  const delivery = signed instanceof Headers ? { rawBody: body, headers: signed } : signed;
  const { headers } = delivery;
  const rawBody = request.sentBody ? request.sentBody(delivery.rawBody) : delivery.rawBody;
  return contract.gateway.readWebhook({ rawBody, headers, nowMs });
}

/** A page of the list; a list that cannot be read fails the test. */
async function listed(
  contract: Contract,
  sinceMs: number,
  cursor: string | null = null,
): Promise<readonly ListedPayment[]> {
  const page = await contract.gateway.listSince({ sinceMs, cursor });
  if ('failed' in page) throw new Error(page.failed);
  return page.payments;
}

/** What reconciliation reads. */
export function describeListing(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('listing', () => {
    promise('finds payments with money since an instant, with our ids and their sums', async () => {
      const sinceMs = contract.harness.nowMs() - MINUTE_MS;
      const paid = await captured(contract);
      const refund = { key: newKey(), ref: paid, amountMinor: 45, refundId: newRefundId() };
      expect((await contract.gateway.refund(refund)).kind).toBe('refund');
      const row = (await listed(contract, sinceMs)).find(({ ref }) => ref === paid);
      expect(row).toMatchObject({ state: 'captured', capturedMinor: AMOUNT, refundedMinor: 45 });
      expect(row?.currency).toBe('eur');
      expect(paymentIdOf(row?.reference)).toMatch(/^pay_/);
      expect(row?.createdAtMs).toBeGreaterThanOrEqual(sinceMs);
    });

    promise('finds payments without money since an instant, open and ended', async () => {
      const sinceMs = contract.harness.nowMs() - MINUTE_MS;
      const opened = (await open(contract)).ref;
      const ended = (await open(contract)).ref;
      await contract.gateway.void({ key: newKey(), ref: ended });
      const rows = await listed(contract, sinceMs);
      const none = { capturedMinor: 0, refundedMinor: 0 };
      expect(rows.find(({ ref }) => ref === opened)).toMatchObject({ state: 'open', ...none });
      expect(rows.find(({ ref }) => ref === ended)).toMatchObject({ state: 'ended', ...none });
    });

    if (contract.traits.flow !== 'push') {
      promise('finds reserved payments since an instant', async () => {
        const sinceMs = contract.harness.nowMs() - MINUTE_MS;
        const reserved = await authorized(contract);
        const row = (await listed(contract, sinceMs)).find(({ ref }) => ref === reserved);
        expect(row).toMatchObject({ state: 'authorized', capturedMinor: 0, refundedMinor: 0 });
        expect(paymentIdOf(row?.reference)).toMatch(/^pay_/);
      });
    }

    promise('goes on after the last row of a page and leaves out what is older', async () => {
      const older = await captured(contract);
      const newer = await captured(contract);
      const sinceMs = contract.harness.nowMs() - MINUTE_MS;
      const first = await listed(contract, sinceMs);
      const index = first.findIndex(({ ref }) => ref === newer);
      const last = first[index];
      if (last === undefined) throw new Error('the list lacks a payment');
      const cursor = contract.harness.cursorAfter?.(last, index) ?? last.ref;
      const refs = (await listed(contract, sinceMs, cursor)).map(({ ref }) => ref);
      expect(refs).toContain(older);
      expect(refs).not.toContain(newer);
      const later = await contract.gateway.listSince({
        sinceMs: contract.harness.nowMs() + 10 * MINUTE_MS,
        cursor: null,
      });
      expect(later).toEqual({ payments: [], next: null });
    });

    promise('finds no dispute where nobody objected', async () => {
      const sinceMs = contract.harness.nowMs() - MINUTE_MS;
      const ref = await captured(contract);
      const row = (await listed(contract, sinceMs)).find((one) => one.ref === ref);
      const page = await contract.gateway.listDisputesSince({ sinceMs, cursor: null });
      if ('failed' in page) throw new Error(page.failed);
      expect(page.disputes.map(({ reference }) => reference)).not.toContainEqual(row?.reference);
    });

    promise('says so when the list cannot be read', async () => {
      await contract.harness.setFault('list', 'http_500');
      const page = await contract.gateway.listSince({ sinceMs: 0, cursor: null });
      expect(page).toEqual({ failed: expect.stringContaining('server_error') });
    });
  });
}

/** Which events are believed. */
export function describeWebhooks(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('webhooks', () => {
    promise('reads a genuine event and names the payment', async () => {
      const ref = await moved(contract);
      const delivered = await contract.harness.deliveredEvent(ref);
      const nowMs = contract.harness.nowMs();
      const event = await contract.gateway.readWebhook({ ...delivered, nowMs });
      expect(event).toMatchObject({
        objectRef: ref,
        isExpected: true,
        dedupeKey: expect.any(String),
        type: expect.any(String),
        reference: { paymentId: expect.stringMatching(/^pay_/) },
      });
      expect(Math.abs((event?.occurredAtMs ?? 0) - contract.harness.nowMs())).toBeLessThan(
        MINUTE_MS,
      );
    });

    promise('accepts the previous secret while it is being rotated', async () => {
      expect(await readSigned(contract, { secret: 'previous' })).not.toBeNull();
    });

    promise('refuses a wrong secret', async () => {
      expect(await readSigned(contract, { secret: 'wrong' })).toBeNull();
    });

    promise('refuses a time too far in the past or in the future', async () => {
      const { past, future } = contract.traits.webhookAgeSeconds;
      const slack = 2;
      const read = (skewSeconds: number) => readSigned(contract, { skewSeconds });
      expect(await read(slack - past)).not.toBeNull();
      expect(await read(-past - slack)).toBeNull();
      expect(await read(future - slack)).not.toBeNull();
      expect(await read(future + slack)).toBeNull();
      expect(await read(365 * 24 * 3600)).toBeNull();
    });

    promise('refuses a body that was parsed and written again', async () => {
      const rewritten = await readSigned(contract, {
        sentBody: (body) => ` ${JSON.stringify(JSON.parse(body))}`,
      });
      expect(rewritten).toBeNull();
    });

    promise('refuses a missing header', async () => {
      const ref = await moved(contract);
      const { rawBody } = await contract.harness.deliveredEvent(ref);
      const nowMs = contract.harness.nowMs();
      const headers = new Headers();
      expect(await contract.gateway.readWebhook({ rawBody, headers, nowMs })).toBeNull();
    });
  });
}
