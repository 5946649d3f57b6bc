/** Keeping slots and resources from sale, and letting them be sold again; decided by the shard that has them. */
import {
  blockListSchema,
  blockReportSchema,
  blockResourceSchema,
  blockSlotSchema,
  unblockReportSchema,
  unblockResourceSchema,
  unblockSlotSchema,
} from '../../contracts/http/blocks.ts';
import { slotSchema } from '../../contracts/http/catalogue.ts';
import { parseInstant } from '../../contracts/http/views.ts';
import type { App } from '../context.ts';
import { keyedResponse, pathId, requireCaller, resultResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Availability';
const slotIds = { id: 'slt' } as const;
const resourceIds = { id: 'res' } as const;

const blockSlot = defineRoute({
  method: 'post',
  path: '/v1/slots/{id}/block',
  tag,
  summary: 'Keep a slot from sale',
  access: 'signed_in',
  pathIds: slotIds,
  body: blockSlotSchema,
  answers: { 200: { description: 'The slot.', schema: slotSchema } },
  refusals: ['not_found', 'slot_booked', 'slot_held'],
});

const unblockSlot = defineRoute({
  method: 'post',
  path: '/v1/slots/{id}/unblock',
  tag,
  summary: 'Let a slot be sold again',
  access: 'signed_in',
  pathIds: slotIds,
  body: unblockSlotSchema,
  isBodyOptional: true,
  answers: { 200: { description: 'The slot.', schema: slotSchema } },
});

const blockResource = defineRoute({
  method: 'post',
  path: '/v1/resources/{id}/blocks',
  tag,
  summary: 'Keep a resource from sale over an interval',
  description:
    'For slots of every service, also those published later. What is sold there stays sold and is listed as `kept`, ' +
    'unless `cancelBookings` ends it with all the money back.',
  access: 'signed_in',
  pathIds: resourceIds,
  body: blockResourceSchema,
  answers: { 200: { description: 'The block, and what it met.', schema: blockReportSchema } },
});

const listBlocks = defineRoute({
  method: 'get',
  path: '/v1/resources/{id}/blocks',
  tag,
  summary: 'List the blocks of a resource',
  description: 'Those that are not over, by start.',
  access: 'signed_in',
  pathIds: resourceIds,
  answers: { 200: { description: 'Blocks.', schema: blockListSchema } },
});

const unblockResource = defineRoute({
  method: 'post',
  path: '/v1/resources/{id}/unblock',
  tag,
  summary: 'Let a resource be sold again over an interval',
  description: 'Blocks that reach beyond the interval shrink to what is left of them.',
  access: 'signed_in',
  pathIds: resourceIds,
  body: unblockResourceSchema,
  answers: {
    200: { description: 'What ended, and what is for sale.', schema: unblockReportSchema },
  },
});

/** Registers the routes. */
export function registerBlocks(app: App): void {
  app.openapi(blockSlot, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const { reason } = c.req.valid('json');
    const asked = { caller: requireCaller(c), call: c.get('callKey') };
    return keyedResponse(c, await shard.blockSlot({ ...asked, slotId: c.req.param('id'), reason }));
  });
  app.openapi(unblockSlot, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const asked = { caller: requireCaller(c), call: c.get('callKey') };
    const slotId = c.req.param('id');
    return keyedResponse(c, await shard.blockSlot({ ...asked, slotId, reason: null }));
  });
  app.openapi(blockResource, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const body = c.req.valid('json');
    const reply = await shard.blockResource({
      caller: requireCaller(c),
      call: c.get('callKey'),
      resourceId: c.req.param('id'),
      over: rangeOf(body),
      reason: body.reason,
      cancelsBookings: body.cancelBookings ?? false,
    });
    return keyedResponse(c, reply);
  });
  app.openapi(listBlocks, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const query = { caller: requireCaller(c), resourceId: c.req.param('id') };
    return resultResponse(c, await shard.listBlocks(query));
  });
  app.openapi(unblockResource, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const reply = await shard.unblockResource({
      caller: requireCaller(c),
      call: c.get('callKey'),
      resourceId: c.req.param('id'),
      over: rangeOf(c.req.valid('json')),
    });
    return keyedResponse(c, reply);
  });
}

function rangeOf({ from, to }: { from: string; to: string }) {
  return { startAtMs: parseInstant(from), endAtMs: parseInstant(to) };
}
