/** `/v1/providers/{id}/staff`: who works for a provider. For its owners and operators; staff do not see each other here. */
import { addStaff, listStaff, removeStaff } from '../../application/manage-staff.ts';
import {
  addStaffSchema,
  staffPageSchema,
  staffSchema,
  toStaffView,
} from '../../contracts/http/staff.ts';
import type { App } from '../context.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { staffDeps } from '../use-case-deps.ts';

const tag = 'Catalogue';
const pathIds = { id: 'prv' } as const;

const add = defineRoute({
  method: 'post',
  path: '/v1/providers/{id}/staff',
  tag,
  summary: 'Take somebody on',
  description:
    'They manage what the provider sells and its bookings, and neither its money nor its people. They need an account. The ' +
    'role `provider` shows at their next login or refresh; every inventory shard knows them when this answers.',
  access: 'signed_in',
  rate: 'auth',
  pathIds,
  body: addStaffSchema,
  answers: { 201: { description: 'Who was taken on.', schema: staffSchema } },
  refusals: ['overloaded'],
});

const list = defineRoute({
  method: 'get',
  path: '/v1/providers/{id}/staff',
  tag,
  summary: 'Who works for a provider',
  access: 'signed_in',
  pathIds,
  answers: {
    200: { description: 'Those who came first in front.', schema: staffPageSchema },
  },
});

const remove = defineRoute({
  method: 'delete',
  path: '/v1/providers/{id}/staff/{userId}',
  tag,
  summary: 'Let somebody go',
  description: 'At once, in every inventory shard. Again: the same.',
  access: 'signed_in',
  pathIds: { id: 'prv', userId: 'usr' },
  answers: { 204: { description: 'They do not work there any more.' } },
  refusals: ['overloaded'],
});

/** Registers the routes. */
export function registerProviderStaff(app: App): void {
  app.openapi(add, (c) =>
    idempotent(async () => {
      const wanted = { providerId: c.req.param('id'), email: c.req.valid('json').email };
      const result = await addStaff(staffDeps(c.get('services')), requireCaller(c), wanted);
      return mappedResponse(c, result, { map: toStaffView, status: 201 });
    })(c),
  );
  app.openapi(list, async (c) => {
    const deps = staffDeps(c.get('services'));
    const result = await listStaff(deps, requireCaller(c), c.req.param('id'));
    return mappedResponse(c, result, {
      map: (staff) => ({ data: staff.map(toStaffView), nextCursor: null }),
    });
  });
  app.openapi(remove, async (c) => {
    const unwanted = { providerId: c.req.param('id'), userId: c.req.param('userId') };
    const result = await removeStaff(staffDeps(c.get('services')), requireCaller(c), unwanted);
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
