/** `/v1/ops/commissions`: the platform's share, for everybody, for a provider or for a venue. */
import type { CommissionScope } from '../../application/payouts/commission-ports.ts';
import {
  setCommissions,
  type CommissionChange,
} from '../../application/payouts/set-commissions.ts';
import { commissionsSchema, setCommissionsSchema } from '../../contracts/http/payouts.ts';
import type { App } from '../context.ts';
import { lasting } from '../lasting.ts';
import { mappedResponse } from '../map-response.ts';
import { commissionDeps } from '../payout-deps.ts';
import { requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const set = defineRoute({
  method: 'put',
  path: '/v1/ops/commissions',
  tag: 'Operators',
  summary: "Set the platform's share",
  description:
    'Basis points; null takes a rate away. The nearest one counts: the venue’s, else the provider’s, else the global one, else the configured one. A rate for guests (without an account) or members (with a plan that runs) beats the general one of its scope. Services follow in this call as far as `servicesDone` says, and within the hour; what is booked keeps its rate.',
  access: ['operator'],
  body: setCommissionsSchema,
  answers: { 200: { description: 'The rates of the scope.', schema: commissionsSchema } },
  refusals: ['not_found'],
});

/** Registers the route. */
export function registerOpsCommissions(app: App): void {
  app.openapi(set, async (c) => {
    const body = c.req.valid('json');
    const { commissionBps, guestCommissionBps, memberCommissionBps } = body;
    const command = {
      scope: scopeOf(body),
      rates: {
        ...(commissionBps === undefined ? {} : { anyBps: commissionBps }),
        ...(guestCommissionBps === undefined ? {} : { guestBps: guestCommissionBps }),
        ...(memberCommissionBps === undefined ? {} : { memberBps: memberCommissionBps }),
      },
    };
    const work = setCommissions(commissionDeps(c.get('services')), requireCaller(c), command);
    return mappedResponse(c, await lasting(c, work), { map: toView });
  });
}

function scopeOf(body: {
  readonly providerId?: string | undefined;
  readonly venueId?: string | undefined;
}): CommissionScope {
  if (body.venueId !== undefined) return { scope: 'venue', id: body.venueId };
  if (body.providerId !== undefined) return { scope: 'provider', id: body.providerId };
  return { scope: 'global' };
}

function toView({ scope, rates, services }: CommissionChange) {
  return {
    scope: scope.scope,
    providerId: scope.scope === 'provider' ? scope.id : null,
    venueId: scope.scope === 'venue' ? scope.id : null,
    commissionBps: rates.anyBps,
    guestCommissionBps: rates.guestBps,
    memberCommissionBps: rates.memberBps,
    servicesChanged: services.changed,
    servicesDone: services.isDone,
  };
}
