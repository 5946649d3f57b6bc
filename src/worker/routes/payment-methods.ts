/** `/v1/payment-methods`: what a customer keeps to pay with again. Handlers pass on; the use cases decide. */
import {
  addMethod,
  confirmMethod,
  listMethods,
  removeMethod,
} from '../../application/payment-methods/manage-methods.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import {
  addPaymentMethodSchema,
  savedMethodPageSchema,
  savedMethodSchema,
  toSavedMethodView,
} from '../../contracts/http/payment-methods.ts';
import { emptyBodySchema } from '../../contracts/http/plans.ts';
import type { App } from '../context.ts';
import { lasting } from '../lasting.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { methodDeps, toChoice } from '../payment-choice.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'People';
const access = 'signed_in';
const pathIds = { id: 'pmt' } as const;

const add = defineRoute({
  method: 'post',
  path: '/v1/payment-methods',
  tag,
  summary: 'Save a payment method',
  description:
    'By the token that the processor gave the payer’s browser; without one the payer chooses with the processor, as `action` ' +
    'says, and `/confirm` asks how that went. A token that was saved before is the same method. Card numbers are refused.',
  access,
  key: 'required',
  body: addPaymentMethodSchema,
  answers: { 201: { description: 'The method.', schema: savedMethodSchema } },
  refusals: [
    'processor_not_supported',
    'payment_declined',
    'customer_limit_reached',
    'processor_unavailable',
  ],
});

const list = defineRoute({
  method: 'get',
  path: '/v1/payment-methods',
  tag,
  summary: 'List my payment methods',
  access,
  query: pageQuerySchema,
  answers: { 200: { description: 'Methods, newest first.', schema: savedMethodPageSchema } },
});

const confirm = defineRoute({
  method: 'post',
  path: '/v1/payment-methods/{id}/confirm',
  tag,
  summary: 'Ask the processor whether the payer agreed',
  access,
  key: 'none',
  pathIds,
  body: emptyBodySchema,
  isBodyOptional: true,
  answers: { 200: { description: 'The method.', schema: savedMethodSchema } },
  refusals: ['payment_declined', 'payment_incomplete', 'processor_unavailable'],
});

const remove = defineRoute({
  method: 'delete',
  path: '/v1/payment-methods/{id}',
  tag,
  summary: 'Remove a payment method',
  description:
    'Nothing can be paid with it from then on, and the processor lets go of it. One that a subscription is paid with stays.',
  access,
  pathIds,
  answers: { 204: { description: 'Gone; also where it was before.' } },
  refusals: ['invalid_transition', 'overloaded'],
});

/** Registers the routes. */
export function registerPaymentMethods(app: App): void {
  app.openapi(add, (c) =>
    idempotent(async () => {
      const { isDefault = false, ...wish } = c.req.valid('json');
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const work = addMethod(methodDeps(c.get('services')), asker, {
        ...toChoice(wish),
        isDefault,
      });
      const result = await lasting(c, work);
      return mappedResponse(c, result, { map: toSavedMethodView, status: 201 });
    })(c),
  );
  app.openapi(list, async (c) => {
    const query = { caller: requireCaller(c), cursor: undefined, ...c.req.valid('query') };
    const result = await listMethods(methodDeps(c.get('services')), query);
    return pageResponse(c, result, toSavedMethodView);
  });
  // Never stored: each call asks the processor anew.
  app.openapi(confirm, async (c) => {
    const asked = { caller: requireCaller(c), id: c.req.param('id') };
    const result = await lasting(c, confirmMethod(methodDeps(c.get('services')), asked));
    return mappedResponse(c, result, { map: toSavedMethodView });
  });
  app.openapi(remove, async (c) => {
    const asked = { caller: requireCaller(c), id: c.req.param('id') };
    const result = await lasting(c, removeMethod(methodDeps(c.get('services')), asked));
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
