/** `/v1/provisioning`: a provider with everything it sells by, set up in one call, and taken off sale again in one. */
import {
  provisionProvider,
  readProvisioning,
  type Provisioned,
} from '../../application/provisioning/provision-provider.ts';
import { undoProvisioning } from '../../application/provisioning/undo-provisioning.ts';
import { toOnboardingView } from '../../contracts/http/payouts.ts';
import {
  provisionedSchema,
  provisioningSchema,
  provisionSchema,
} from '../../contracts/http/provisioning.ts';
import { toProvisioningView } from '../../contracts/http/provisioning-view.ts';
import type { App } from '../context.ts';
import { lasting } from '../lasting.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { provisioningDeps } from '../provisioning-deps.ts';
import { requireCallKey, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Provisioning';
const pathIds = { id: 'pvn' } as const;

const provision = defineRoute({
  method: 'post',
  path: '/v1/provisioning',
  tag,
  summary: 'Set a provider up in one call',
  description:
    'Provider, staff, venue, shards, resources, services, rules and payout account. Everything is checked before anything ' +
    'is made, and all faults are told at once. Parts name one another by `ref`. A call that dies is taken up at its recorded ' +
    'step by the same call under the same key. The caller becomes the owner.',
  access: 'signed_in',
  key: 'required',
  body: provisionSchema,
  answers: { 201: { description: 'What was made.', schema: provisionedSchema } },
  refusals: [
    'processor_not_supported',
    'invalid_transition',
    'overloaded',
    'processor_unavailable',
  ],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/provisioning/{id}',
  tag,
  summary: 'Read how far a provider was set up',
  access: 'signed_in',
  pathIds,
  answers: { 200: { description: 'What was made so far.', schema: provisioningSchema } },
});

const undo = defineRoute({
  method: 'post',
  path: '/v1/provisioning/{id}/undo',
  tag,
  summary: 'Take everything off sale that a provider sells',
  description:
    'Also what was added later. Refused while anybody has a booking or a hold there, with `liveBookings` and `liveHolds`. ' +
    'Again: the same. What is on record stays, and so does the account at the processor.',
  access: 'signed_in',
  pathIds,
  answers: { 200: { description: 'It is undone.', schema: provisioningSchema } },
  refusals: ['idempotency_key_in_progress', 'slot_booked', 'slot_held', 'overloaded'],
});

/** Registers the routes. */
export function registerProvisioning(app: App): void {
  app.openapi(provision, (c) =>
    idempotent(async () => {
      const services = c.get('services');
      const asked = {
        caller: requireCaller(c),
        call: requireCallKey(c),
        body: c.req.valid('json'),
      };
      const backUrl = `${services.settings.publicUrl}/`;
      const making = provisionProvider(provisioningDeps(services), { ...asked, backUrl });
      return mappedResponse(c, await lasting(c, making), { map: toView, status: 201 });
    })(c),
  );
  app.openapi(read, async (c) => {
    const deps = provisioningDeps(c.get('services'));
    const result = await readProvisioning(deps, requireCaller(c), c.req.param('id'));
    return mappedResponse(c, result, { map: toProvisioningView });
  });
  app.openapi(undo, (c) =>
    idempotent(async () => {
      const deps = provisioningDeps(c.get('services'));
      const undoing = undoProvisioning(deps, requireCaller(c), c.req.param('id'));
      return mappedResponse(c, await lasting(c, undoing), { map: toProvisioningView });
    })(c),
  );
}

function toView({ provisioning, onboarding, payoutRefusal }: Provisioned) {
  return {
    ...toProvisioningView(provisioning),
    payoutAccount: onboarding === null ? null : toOnboardingView(onboarding),
    payoutRefusal:
      payoutRefusal === null ? null : { code: payoutRefusal.code, detail: payoutRefusal.detail },
  };
}
