/** `/v1/coupons`: what a provider gives away. For the provider's owners and operators; somebody else's do not exist. */
import {
  changeCoupon,
  createCoupons,
  listCoupons,
  readCoupon,
} from '../../application/promotion/manage-coupons.ts';
import { decodeCursor } from '../../application/page-cursor.ts';
import { pageSchema } from '../../contracts/http/common.ts';
import {
  couponPatch,
  couponSchema,
  couponTerms,
  createCouponSchema,
  createdCouponsSchema,
  listCouponsQuerySchema,
  patchCouponSchema,
  toCouponView,
} from '../../contracts/http/coupons.ts';
import { required } from '../../domain/assert.ts';
import type { App } from '../context.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { couponDeps } from '../use-case-deps.ts';

const tag = 'Catalogue';
const pathIds = { id: 'cpn' } as const;
const answers = { 200: { description: 'The coupon.', schema: couponSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/coupons',
  tag,
  summary: 'Make a coupon, or many',
  description:
    'With `code` one coupon of that code, with neither one of a code that nobody can guess, with `count` so many of them. ' +
    'It takes `percentOff` or `amountOff` off what its services cost after the discount of a plan.',
  access: 'signed_in',
  body: createCouponSchema,
  answers: {
    201: { description: 'The coupon, or those of `count`.', schema: createdCouponsSchema },
  },
  refusals: ['not_found'],
});

const list = defineRoute({
  method: 'get',
  path: '/v1/coupons',
  tag,
  summary: 'List the coupons of a provider',
  access: 'signed_in',
  query: listCouponsQuerySchema,
  answers: { 200: { description: 'A page of coupons.', schema: pageSchema(couponSchema) } },
  refusals: ['not_found'],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/coupons/{id}',
  tag,
  summary: 'Read a coupon and how often it is used',
  access: 'signed_in',
  pathIds,
  answers,
});

const change = defineRoute({
  method: 'patch',
  path: '/v1/coupons/{id}',
  tag,
  summary: 'Change the limits of a coupon',
  description:
    'Counts for the next hold. Null takes a limit away. What is held or booked stays as it was priced.',
  access: 'signed_in',
  pathIds,
  body: patchCouponSchema,
  answers,
});

const deactivate = defineRoute({
  method: 'delete',
  path: '/v1/coupons/{id}',
  tag,
  summary: 'Call a coupon back',
  access: 'signed_in',
  pathIds,
  answers: { 204: { description: 'Nobody can use it any more.' } },
});

/** Registers the routes. */
export function registerCoupons(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const body = c.req.valid('json');
      const { providerId, code = null, count = null } = body;
      const wish = { providerId, code, count, terms: couponTerms(body) };
      const result = await createCoupons(couponDeps(c.get('services')), asker, wish);
      return mappedResponse(c, result, {
        map: (made) => {
          const views = made.map((coupon) => toCouponView(coupon));
          return count === null ? required(views[0], 'one coupon was made') : { data: views };
        },
        status: 201,
      });
    })(c),
  );
  app.openapi(list, async (c) => {
    const { providerId, limit, cursor } = c.req.valid('query');
    const after = decodeCursor(cursor, ['string']);
    if (!after.ok) return refusalResponse(c, after.refusal);
    const [afterId = ''] = after.value ?? [];
    const deps = couponDeps(c.get('services'));
    const page = await listCoupons(deps, requireCaller(c), { providerId, limit, afterId });
    return mappedResponse(c, page, {
      map: ({ data, nextCursor }) => ({
        data: data.map((coupon) => toCouponView(coupon)),
        nextCursor,
      }),
    });
  });
  app.openapi(read, async (c) => {
    const deps = couponDeps(c.get('services'));
    const result = await readCoupon(deps, requireCaller(c), c.req.param('id'));
    return mappedResponse(c, result, { map: ({ coupon, used }) => toCouponView(coupon, used) });
  });
  app.openapi(change, async (c) => {
    const request = { id: c.req.param('id'), patch: couponPatch(c.req.valid('json')) };
    const result = await changeCoupon(couponDeps(c.get('services')), requireCaller(c), request);
    return mappedResponse(c, result, { map: (coupon) => toCouponView(coupon) });
  });
  app.openapi(deactivate, async (c) => {
    const request = { id: c.req.param('id'), patch: { isActive: false } };
    const result = await changeCoupon(couponDeps(c.get('services')), requireCaller(c), request);
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
