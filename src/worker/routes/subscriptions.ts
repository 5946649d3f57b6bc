/** `/v1/subscriptions`: sign up, read, and change what one subscribes to. Handlers pass on; billing decides. */
import type { Context } from 'hono';
import { changePlan } from '../../application/billing/change-plan.ts';
import { confirmSubscription } from '../../application/billing/confirm-subscription.ts';
import {
  cancelSubscription,
  pauseSubscription,
  resumeSubscription,
} from '../../application/billing/end-subscription.ts';
import { setPaymentMethod } from '../../application/billing/payment-method.ts';
import { listInvoices } from '../../application/billing/read-invoices.ts';
import {
  readCurrent,
  readSubscription,
  type SubscriptionStanding,
} from '../../application/billing/read-subscription.ts';
import { signUp } from '../../application/billing/sign-up.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import { emptyBodySchema } from '../../contracts/http/plans.ts';
import {
  cancelSubscriptionSchema,
  changePlanSchema,
  createSubscriptionSchema,
  invoicePageSchema,
  paymentMethodSchema,
  subscriptionSchema,
  toInvoiceView,
  toSubscriptionView,
  type PaymentMethodBody,
} from '../../contracts/http/subscriptions.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { App, AppEnv } from '../context.ts';
import { lasting } from '../lasting.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { resolvedChoice } from '../payment-choice.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { billingDeps, invoiceDeps } from '../use-case-deps.ts';

/** Where periods are counted for a member who names no zone. */
const DEFAULT_TIME_ZONE = 'UTC';

/** Who takes the payments of a subscription that never named anybody. */
const DEFAULT_PROCESSOR = 'stripe';

const tag = 'Subscriptions';
const access = 'signed_in';
const key = 'required';
const pathIds = { id: 'sub' } as const;
const answers = { 200: { description: 'The subscription.', schema: subscriptionSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/subscriptions',
  tag,
  summary: 'Subscribe to a plan',
  description:
    'Active or trialing at once where the payment needs no action; else incomplete, with what the payer has to do. A payment that is declined leaves nothing behind.',
  access,
  key,
  body: createSubscriptionSchema,
  answers: { 201: { description: 'The subscription.', schema: subscriptionSchema } },
  refusals: [
    'not_found',
    'payment_required',
    'processor_not_supported',
    'payment_declined',
    'subscription_exists',
  ],
});

const readMine = defineRoute({
  method: 'get',
  path: '/v1/subscriptions/current',
  tag,
  summary: 'Read my subscription',
  access,
  answers,
  refusals: ['not_found'],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/subscriptions/{id}',
  tag,
  summary: 'Read a subscription',
  access,
  pathIds,
  answers,
});

const confirm = defineRoute({
  method: 'post',
  path: '/v1/subscriptions/{id}/confirm',
  tag,
  summary: 'Ask the processor and move the subscription on',
  access,
  key: 'none',
  pathIds,
  body: emptyBodySchema,
  isBodyOptional: true,
  answers,
  refusals: ['payment_declined', 'payment_incomplete'],
});

const cancel = defineRoute({
  method: 'post',
  path: '/v1/subscriptions/{id}/cancel',
  tag,
  summary: 'Cancel a subscription',
  description:
    'At the end of the paid period, or at once. What is not paid has no end to wait for, and ends at once either way.',
  access,
  key,
  pathIds,
  body: cancelSubscriptionSchema,
  isBodyOptional: true,
  answers,
  refusals: ['invalid_transition', 'overloaded'],
});

const resume = defineRoute({
  method: 'post',
  path: '/v1/subscriptions/{id}/resume',
  tag,
  summary: 'Take back a cancellation that is to come, or end a pause',
  access,
  key,
  pathIds,
  body: emptyBodySchema,
  isBodyOptional: true,
  answers,
  refusals: ['payment_required', 'invalid_transition', 'overloaded'],
});

const pause = defineRoute({
  method: 'post',
  path: '/v1/subscriptions/{id}/pause',
  tag,
  summary: 'Pause a subscription',
  description: 'Access and billing stop. The paid time that is left comes back when it is resumed.',
  access,
  key,
  pathIds,
  body: emptyBodySchema,
  isBodyOptional: true,
  answers,
  refusals: ['invalid_transition', 'overloaded'],
});

const change = defineRoute({
  method: 'post',
  path: '/v1/subscriptions/{id}/change',
  tag,
  summary: 'Change to another plan',
  description:
    'An upgrade charges the difference for the rest of the period and takes effect when it is paid; a downgrade is kept as `pendingPlanId` until the period ends. The policy is the plan’s.',
  access,
  key,
  pathIds,
  body: changePlanSchema,
  answers,
  refusals: ['payment_required', 'payment_declined', 'invalid_transition', 'overloaded'],
});

const setMethod = defineRoute({
  method: 'put',
  path: '/v1/subscriptions/{id}/payment-method',
  tag,
  summary: 'Keep another payment method',
  description: 'What is still to be paid is tried with it at once. The old one stays until then.',
  access,
  key: 'optional',
  pathIds,
  body: paymentMethodSchema,
  answers,
  refusals: [
    'processor_not_supported',
    'payment_declined',
    'payment_in_progress',
    'invalid_transition',
    'overloaded',
  ],
});

const invoices = defineRoute({
  method: 'get',
  path: '/v1/subscriptions/{id}/invoices',
  tag,
  summary: 'List the invoices of a subscription',
  access,
  pathIds,
  query: pageQuerySchema,
  answers: { 200: { description: 'Invoices, newest first.', schema: invoicePageSchema } },
});

/** Registers the routes. */
export function registerSubscriptions(app: App): void {
  registerSignUp(app);
  registerReads(app);
  registerCommands(app);
  registerMoney(app);
}

function registerSignUp(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const { planId, payment, timeZone = DEFAULT_TIME_ZONE } = c.req.valid('json');
      const choice = payment === undefined ? ok(null) : await resolvedChoice(c, payment);
      if (!choice.ok) return refusalResponse(c, choice.refusal);
      const wish = { planId, payment: choice.value, timeZone };
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const result = await lasting(c, signUp(billingDeps(c.get('services')), asker, wish));
      return answer(c, result, 201);
    })(c),
  );
}

function registerReads(app: App): void {
  app.openapi(readMine, async (c) =>
    answer(c, await readCurrent(billingDeps(c.get('services')), requireCaller(c))),
  );
  app.openapi(read, async (c) =>
    answer(c, await readSubscription(billingDeps(c.get('services')), asked(c))),
  );
  app.openapi(invoices, async (c) => {
    const query = { ...asked(c), ...c.req.valid('query') };
    const result = await listInvoices(invoiceDeps(c.get('services')), query);
    return pageResponse(c, result, toInvoiceView);
  });
}

function registerCommands(app: App): void {
  app.openapi(cancel, (c) =>
    idempotent(async () => {
      const command = { ...asked(c), atPeriodEnd: c.req.valid('json').atPeriodEnd };
      const work = cancelSubscription(billingDeps(c.get('services')), command);
      return answer(c, await unlessDone(c, work, isCancelled));
    })(c),
  );
  app.openapi(resume, (c) =>
    idempotent(async () => {
      const work = resumeSubscription(billingDeps(c.get('services')), asked(c));
      return answer(c, await unlessDone(c, work, isGoingOn));
    })(c),
  );
  app.openapi(pause, (c) =>
    idempotent(async () => {
      const work = pauseSubscription(billingDeps(c.get('services')), asked(c));
      return answer(c, await unlessDone(c, work, isPaused));
    })(c),
  );
}

function registerMoney(app: App): void {
  // Never stored: each call asks the processor anew.
  app.openapi(confirm, async (c) => {
    const deps = billingDeps(c.get('services'));
    return answer(c, await lasting(c, confirmSubscription(deps, asked(c))));
  });
  app.openapi(change, (c) =>
    idempotent(async () => {
      const { planId, returnUrl = null } = c.req.valid('json');
      const command = { ...asked(c), planId, returnUrl };
      const work = changePlan(billingDeps(c.get('services')), command);
      const isDone = ({ subscription, openInvoice }: SubscriptionStanding) =>
        [subscription.planId, subscription.pendingPlanId, openInvoice?.planId].includes(planId);
      return answer(c, await unlessDone(c, work, isDone));
    })(c),
  );
  app.openapi(setMethod, (c) =>
    idempotent(async () => {
      const deps = billingDeps(c.get('services'));
      const standing = await readSubscription(deps, asked(c));
      if (!standing.ok) return refusalResponse(c, standing.refusal);
      const choice = await resolvedChoice(c, methodWish(c.req.valid('json'), standing.value));
      if (!choice.ok) return refusalResponse(c, choice.refusal);
      const command = { ...asked(c), payment: choice.value };
      return answer(c, await lasting(c, setPaymentMethod(deps, command)));
    })(c),
  );
}

/**
 * The result of a command; where an earlier try of the same call died and had its effect before, the subscription as that
 * left it, because a command that is done refuses to be done again.
 */
async function unlessDone(
  c: Context<AppEnv>,
  work: Promise<Result<SubscriptionStanding>>,
  isDone: (standing: SubscriptionStanding) => boolean,
): Promise<Result<SubscriptionStanding>> {
  const result = await lasting(c, work);
  const isRefused = !result.ok && result.refusal.code === 'invalid_transition';
  if (!isRefused || !c.get('isResumedCall')) return result;
  const standing = await readSubscription(billingDeps(c.get('services')), asked(c));
  return standing.ok && isDone(standing.value) ? standing : result;
}

function isCancelled({ subscription }: SubscriptionStanding): boolean {
  return subscription.state === 'cancelled';
}

function isPaused({ subscription }: SubscriptionStanding): boolean {
  return subscription.state === 'paused';
}

function isGoingOn({ subscription }: SubscriptionStanding): boolean {
  const { state, cancelAtPeriodEnd } = subscription;
  return !cancelAtPeriodEnd && (state === 'active' || state === 'trialing');
}

function asked(c: Context<AppEnv>) {
  return { caller: requireCaller(c), subscriptionId: c.req.param('id') ?? '' };
}

function answer(
  c: Context<AppEnv>,
  result: Result<SubscriptionStanding>,
  status: 200 | 201 = 200,
): Response {
  const { publicUrl } = c.get('services').settings;
  const map = (standing: SubscriptionStanding) => toSubscriptionView(standing, publicUrl);
  return mappedResponse(c, result, { map, status });
}

/** The method that is to be kept; its processor is the one before where the body names none. */
function methodWish(body: PaymentMethodBody, standing: SubscriptionStanding) {
  const wish = body.payment ?? body;
  const { method } = standing.subscription;
  return { ...wish, processor: wish.processor ?? method?.processor ?? DEFAULT_PROCESSOR };
}
