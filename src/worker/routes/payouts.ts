/**
 * Providers' money: `/v1/providers/{id}/…` for their owners, `/v1/ops/payouts` for operators, who pay by bank, call off,
 * reverse and set how somebody is paid out.
 */
import {
  cancelPayout,
  completeByHand,
  reverseByHand,
  setPayoutSettings,
} from '../../application/payouts/command-payout.ts';
import { openPayoutAccount } from '../../application/payouts/payout-account.ts';
import {
  listPayouts,
  manualPayouts,
  readStatement,
} from '../../application/payouts/read-payouts.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import {
  cancelPayoutSchema,
  changePayoutSettingsSchema,
  completePayoutSchema,
  EXPORT_HEAD,
  exportQuerySchema,
  onboardingSchema,
  openAccountSchema,
  payoutPageSchema,
  payoutPathSchema,
  payoutSchema,
  payoutSettingsSchema,
  reversePayoutSchema,
  statementQuerySchema,
  statementSchema,
  toExportRow,
  toOnboardingView,
  toPayoutSettingsView,
  toPayoutView,
  toStatementView,
} from '../../contracts/http/payouts.ts';
import type { App, Services } from '../context.ts';
import { lasting } from '../lasting.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { payoutDeps } from '../payout-deps.ts';
import { requireCallKey, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Payouts';
const pathIds = { id: 'prv' } as const;
const operators = ['operator'] as const;
const payout = { 200: { description: 'The payout as it stands.', schema: payoutSchema } };

const openAccount = defineRoute({
  method: 'post',
  path: '/v1/providers/{id}/payout-account',
  tag,
  summary: 'Say where to be paid out to',
  description:
    'Opens the account at the processor where there is none, and answers a page on which the provider goes on. The page can be used once and for a short time: ask for another. Coming back from it proves nothing; `status` is what the processor says.',
  access: 'signed_in',
  pathIds,
  body: openAccountSchema,
  isBodyOptional: true,
  answers: { 201: { description: 'Where to go on.', schema: onboardingSchema } },
  refusals: ['processor_not_supported', 'processor_unavailable'],
});

const list = defineRoute({
  method: 'get',
  path: '/v1/providers/{id}/payouts',
  tag,
  summary: "List a provider's payouts",
  access: 'signed_in',
  pathIds,
  query: pageQuerySchema,
  answers: { 200: { description: 'Payouts, newest first.', schema: payoutPageSchema } },
});

const statements = defineRoute({
  method: 'get',
  path: '/v1/providers/{id}/statements',
  tag,
  summary: 'What a provider earned, what the platform took and what is owed',
  description:
    'By currency, with the lines of the ledger behind it, newest first. With `payoutId` the lines are those of one payout; with what was `carried` from before they are its amount and its reserve.',
  access: 'signed_in',
  pathIds,
  query: statementQuerySchema,
  answers: { 200: { description: 'The statement.', schema: statementSchema } },
});

const exported = defineRoute({
  method: 'get',
  path: '/v1/ops/payouts/export',
  tag,
  summary: 'Payouts of a period that operators pay by bank',
  description: 'CSV (RFC 4180). A period is the day on which it was due.',
  access: operators,
  query: exportQuerySchema,
  answers: { 200: { description: 'The list.', type: 'text/csv' } },
});

const complete = defineRoute({
  method: 'post',
  path: '/v1/ops/payouts/{id}/complete',
  tag,
  summary: 'Record that a payout was sent by bank',
  access: operators,
  params: payoutPathSchema,
  body: completePayoutSchema,
  answers: payout,
  refusals: ['not_found', 'invalid_transition'],
});

const cancel = defineRoute({
  method: 'post',
  path: '/v1/ops/payouts/{id}/cancel',
  tag,
  summary: 'Call a payout off before it is sent',
  description: 'What it was for is in the next one.',
  access: operators,
  params: payoutPathSchema,
  body: cancelPayoutSchema,
  answers: payout,
  refusals: ['not_found', 'invalid_transition'],
});

const reverse = defineRoute({
  method: 'post',
  path: '/v1/ops/payouts/{id}/reversals',
  tag,
  summary: 'Take back what was transferred',
  description:
    'All that is left of it, or an amount in minor units. What came back is owed again. A reversal whose outcome is not known yet goes on by itself.',
  access: operators,
  key: 'required',
  params: payoutPathSchema,
  body: reversePayoutSchema,
  isBodyOptional: true,
  answers: payout,
  refusals: ['not_found', 'processor_not_supported', 'invalid_transition'],
});

const settings = defineRoute({
  method: 'put',
  path: '/v1/ops/providers/{id}/payout-settings',
  tag,
  summary: 'Set how a provider is paid out',
  description: 'What is left out stays. Days and weekdays are those of UTC.',
  access: operators,
  pathIds,
  body: changePayoutSettingsSchema,
  answers: { 200: { description: 'The settings.', schema: payoutSettingsSchema } },
});

/** Registers the routes. */
export function registerPayouts(app: App): void {
  registerOwn(app);
  registerOperators(app);
}

function registerOwn(app: App): void {
  app.openapi(openAccount, (c) =>
    idempotent(async () => {
      const services = c.get('services');
      const back = `${services.settings.publicUrl}/`;
      const { country, returnUrl = back, refreshUrl = back } = c.req.valid('json');
      const wanted = { providerId: c.req.param('id'), country, returnUrl, refreshUrl };
      const opening = openPayoutAccount(payoutDeps(services), requireCaller(c), wanted);
      return mappedResponse(c, await lasting(c, opening), { map: toOnboardingView, status: 201 });
    })(c),
  );
  app.openapi(list, async (c) => {
    const query = { providerId: c.req.param('id'), cursor: undefined, ...c.req.valid('query') };
    const result = await listPayouts(payoutDeps(c.get('services')), requireCaller(c), query);
    return pageResponse(c, result, toPayoutView);
  });
  app.openapi(statements, async (c) => {
    const { limit, cursor, payoutId } = c.req.valid('query');
    const query = { providerId: c.req.param('id'), limit, cursor, payoutId };
    const result = await readStatement(payoutDeps(c.get('services')), requireCaller(c), query);
    return mappedResponse(c, result, { map: toStatementView });
  });
}

function registerOperators(app: App): void {
  app.openapi(exported, (c) => {
    const { period } = c.req.valid('query');
    return c.body(exportStream(c.get('services'), period), 200, {
      'Content-Type': 'text/csv; charset=utf-8',
      'Content-Disposition': `attachment; filename="payouts-${period}.csv"`,
      'Cache-Control': 'no-store',
    });
  });
  app.openapi(complete, (c) =>
    idempotent(async () => {
      const command = { ...c.req.valid('json'), payoutId: c.req.valid('param').id };
      const actor = `operator:${requireCaller(c).id}`;
      const work = completeByHand(payoutDeps(c.get('services')), { ...command, actor });
      return mappedResponse(c, await lasting(c, work), { map: toPayoutView });
    })(c),
  );
  app.openapi(cancel, (c) =>
    idempotent(async () => {
      const command = { ...c.req.valid('json'), payoutId: c.req.valid('param').id };
      const actor = `operator:${requireCaller(c).id}`;
      const result = await cancelPayout(payoutDeps(c.get('services')), { ...command, actor });
      return mappedResponse(c, result, { map: toPayoutView });
    })(c),
  );
  app.openapi(reverse, (c) =>
    idempotent(async () => {
      const { amount: amountMinor = null } = c.req.valid('json');
      const actor = `operator:${requireCaller(c).id}`;
      const { key } = requireCallKey(c);
      const command = { payoutId: c.req.valid('param').id, amountMinor, actor };
      const work = reverseByHand(payoutDeps(c.get('services')), {
        ...command,
        key: `${actor} ${key}`,
      });
      return mappedResponse(c, await lasting(c, work), { map: toPayoutView });
    })(c),
  );
  app.openapi(settings, async (c) => {
    const { minimums, ...change } = c.req.valid('json');
    const wanted = { ...change, minimumsMinor: definedOf(minimums) };
    const deps = payoutDeps(c.get('services'));
    const result = await setPayoutSettings(deps, c.req.param('id'), wanted);
    return mappedResponse(c, result, { map: toPayoutSettingsView });
  });
}

/** A minimum that is not named stays as it is. */
function definedOf(minimums: { readonly [currency: string]: number | undefined } = {}) {
  return Object.fromEntries(
    Object.entries(minimums).flatMap(([currency, minor]) =>
      minor === undefined ? [] : [[currency, minor] as const],
    ),
  );
}

/** Reads the next rows only when the client has taken the last ones. */
function exportStream(services: Services, period: string): ReadableStream<Uint8Array> {
  const rows = manualPayouts(payoutDeps(services), period);
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(`${EXPORT_HEAD}\r\n`));
    },
    async pull(controller) {
      const { done, value } = await rows.next();
      if (done === true) return controller.close();
      controller.enqueue(encoder.encode(`${toExportRow(value)}\r\n`));
    },
    async cancel() {
      await rows.return(undefined);
    },
  });
}
