/**
 * What the Stripe gateway asks besides: the disputes of a payment, and a refund by our own id.
 * Protects: no dispute is overlooked because a list failed, and no refund is called missing before every page was read.
 */
import { describe, expect, it } from 'vitest';
import { intentJson, json, makeWiredGateway, stripeError, type WireAnswer } from './stripe-wire.ts';

const proxyPage: WireAnswer = async () => new Response('<h1>Bad gateway</h1>', { status: 502 });

const silent: WireAnswer = (signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      reject(new DOMException('aborted', 'AbortError'));
    });
  });

const row = (id: string, refundId: string, status: string) => ({
  id,
  object: 'refund',
  amount: 700,
  status,
  metadata: { refund_id: refundId },
});
const page = (data: readonly object[], hasMore = false) =>
  json({ object: 'list', has_more: hasMore, url: '/v1/refunds', data });
describe('disputes that cannot be read', () => {
  const charge = {
    id: 'ch_1',
    object: 'charge',
    amount: 5_000,
    amount_refunded: 0,
    disputed: true,
  };
  const disputed = json(intentJson({ status: 'succeeded', latest_charge: charge }));

  it('leave nobody knowing how the payment stands', async () => {
    for (const answer of [proxyPage, stripeError(500, { type: 'api_error' })]) {
      const { gateway, calls } = makeWiredGateway([disputed, answer]);
      const reply = await gateway.capture({ key: 'c', ref: 'pi_1', amountMinor: 5_000 });
      expect(reply.kind).toBe('no_answer');
      expect(calls).toHaveLength(2);
    }
  });

  it('end with the call that they belong to', async () => {
    const { gateway } = makeWiredGateway([disputed, silent]);
    expect((await gateway.fetch('pi_1')).kind).toBe('no_answer');
  });

  it('are a person’s affair where our key may not read them', async () => {
    const forbidden = stripeError(403, { type: 'invalid_request_error' });
    const { gateway } = makeWiredGateway([disputed, forbidden]);
    expect((await gateway.fetch('pi_1')).kind).toBe('misconfigured');
  });
});

describe('a refund by our own id', () => {
  const find = { ref: 'pi_1', refundId: 'rfd_1' };

  it('is looked for on every page before it is called missing', async () => {
    const { gateway, calls } = makeWiredGateway([
      page([row('re_9', 'rfd_9', 'succeeded')], true),
      page([row('re_1', 'rfd_1', 'pending')]),
    ]);
    expect(await gateway.findRefund(find)).toMatchObject({
      kind: 'refund',
      refund: { ref: 're_1', status: 'pending', amountMinor: 700 },
    });
    const [first, second] = calls.map((call) => new URL(call.url).searchParams);
    expect(first?.get('payment_intent')).toBe('pi_1');
    expect(second?.get('starting_after')).toBe('re_9');
    const none = makeWiredGateway([page([row('re_9', 'rfd_9', 'succeeded')])]);
    expect(await none.gateway.findRefund(find)).toEqual({ kind: 'missing' });
  });

  it('is one that failed only when there is no other', async () => {
    const failed = row('re_2', 'rfd_1', 'failed');
    const both = makeWiredGateway([page([failed, row('re_1', 'rfd_1', 'succeeded')])]);
    expect(await both.gateway.findRefund(find)).toMatchObject({ refund: { ref: 're_1' } });
    const alone = makeWiredGateway([page([failed])]);
    expect(await alone.gateway.findRefund(find)).toMatchObject({ refund: { status: 'failed' } });
  });

  it('is not called missing when a page was not answered', async () => {
    const { gateway } = makeWiredGateway([
      page([row('re_9', 'rfd_9', 'succeeded')], true),
      proxyPage,
    ]);
    expect((await gateway.findRefund(find)).kind).toBe('no_answer');
  });
});
