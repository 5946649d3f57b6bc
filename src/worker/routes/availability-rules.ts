/** `/v1/availability-rules`: when services are for sale. Rules live in D1; what they make is decided by the service's shard. */
import { generateSlots, rangeOfDates } from '../../application/availability/generate-slots.ts';
import {
  changeRule,
  createRule,
  deleteRule,
  listRules,
  readRule,
  type RuleChange,
} from '../../application/availability/manage-rules.ts';
import {
  changedTerms,
  createRuleSchema,
  dryRunQuerySchema,
  generateSlotsSchema,
  newTerms,
  patchRuleSchema,
  ruleChangeSchema,
  rulePageSchema,
  ruleSchema,
  slotChangesSchema,
  toRuleView,
  type SlotChanges,
} from '../../contracts/http/availability.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import type { App } from '../context.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { availabilityDeps } from '../availability-deps.ts';

const tag = 'Availability';
const pathIds = { id: 'rul' } as const;
const changed = { 200: { description: 'The rule, and what changed.', schema: ruleChangeSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/services/{id}/availability-rules',
  tag,
  summary: 'Make an availability rule',
  description:
    'A rule of RFC 5545 without its `RRULE:` prefix names the days; the times of day are of the rule’s zone, the venue’s ' +
    'where none is named. Slots follow within the hour, or at once by `slots/generate`.',
  access: 'signed_in',
  pathIds: { id: 'svc' },
  body: createRuleSchema,
  answers: { 201: { description: 'The rule.', schema: ruleSchema } },
});

const list = defineRoute({
  method: 'get',
  path: '/v1/services/{id}/availability-rules',
  tag,
  summary: 'List the availability rules of a service',
  access: 'public',
  pathIds: { id: 'svc' },
  query: pageQuerySchema,
  answers: { 200: { description: 'Rules, oldest first.', schema: rulePageSchema } },
});

const read = defineRoute({
  method: 'get',
  path: '/v1/availability-rules/{id}',
  tag,
  summary: 'Read an availability rule',
  access: 'public',
  pathIds,
  answers: { 200: { description: 'The rule.', schema: ruleSchema } },
});

const change = defineRoute({
  method: 'patch',
  path: '/v1/availability-rules/{id}',
  tag,
  summary: 'Change an availability rule',
  description:
    'As far as slots were made: free ones that are not wanted any more go, wanted ones are made, and those that somebody ' +
    'holds or has booked stay and are listed as `kept`.',
  access: 'signed_in',
  pathIds,
  query: dryRunQuerySchema,
  body: patchRuleSchema,
  answers: changed,
  refusals: ['not_found', 'invalid_transition', 'overloaded'],
});

const remove = defineRoute({
  method: 'delete',
  path: '/v1/availability-rules/{id}',
  tag,
  summary: 'Delete an availability rule',
  description: 'With its free slots; those that somebody holds or has booked stay and are listed.',
  access: 'signed_in',
  pathIds,
  query: dryRunQuerySchema,
  answers: changed,
  refusals: ['not_found', 'overloaded'],
});

const generate = defineRoute({
  method: 'post',
  path: '/v1/services/{id}/slots/generate',
  tag,
  summary: 'Make the slots that rules want',
  description:
    'That start from `from` until before `to`, both instants, or dates of the venue which stand for their midnight. Twice ' +
    'makes nothing twice.',
  access: 'signed_in',
  pathIds: { id: 'svc' },
  body: generateSlotsSchema,
  answers: { 200: { description: 'What was made and what was there.', schema: slotChangesSchema } },
  refusals: ['not_found', 'overloaded'],
});

/** Registers the routes. */
export function registerAvailabilityRules(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const body = c.req.valid('json');
      const result = await createRule(
        availabilityDeps(c.get('services')),
        { caller: requireCaller(c), call: c.get('callKey') },
        { serviceId: c.req.param('id'), terms: (timeZone) => newTerms(body, timeZone) },
      );
      return mappedResponse(c, result, { map: toRuleView, status: 201 });
    })(c),
  );
  app.openapi(list, async (c) => {
    const query = { ...c.req.valid('query'), serviceId: c.req.param('id') };
    return pageResponse(c, await listRules(availabilityDeps(c.get('services')), query), toRuleView);
  });
  app.openapi(read, async (c) => {
    const result = await readRule(availabilityDeps(c.get('services')), c.req.param('id'));
    return mappedResponse(c, result, { map: toRuleView });
  });
  app.openapi(change, async (c) => {
    const body = c.req.valid('json');
    const isDryRun = c.req.valid('query').dryRun === 'true';
    const result = await changeRule(availabilityDeps(c.get('services')), requireCaller(c), {
      id: c.req.param('id'),
      isDryRun,
      terms: (known) => changedTerms(known, body),
    });
    return mappedResponse(c, result, { map: toChangeView(isDryRun) });
  });
  app.openapi(remove, async (c) => {
    const isDryRun = c.req.valid('query').dryRun === 'true';
    const asked = { id: c.req.param('id'), isDryRun };
    const deps = availabilityDeps(c.get('services'));
    const result = await deleteRule(deps, requireCaller(c), asked);
    return mappedResponse(c, result, { map: toChangeView(isDryRun) });
  });
  app.openapi(generate, (c) =>
    idempotent(async () => {
      const deps = availabilityDeps(c.get('services'));
      const { from, to } = c.req.valid('json');
      const result = await generateSlots(deps, requireCaller(c), {
        serviceId: c.req.param('id'),
        over: (timeZone) => rangeOfDates(deps.calendars.zones, timeZone, { from, to }),
      });
      return mappedResponse(c, result, { map: toChanges });
    })(c),
  );
}

function toChangeView(dryRun: boolean) {
  return ({ rule, changes }: RuleChange) => ({
    ...toRuleView(rule),
    dryRun,
    ...toChanges(changes),
  });
}

function toChanges({ kept, ...counts }: RuleChange['changes']): SlotChanges {
  return { ...counts, kept: kept.map((one) => ({ ...one })) };
}
