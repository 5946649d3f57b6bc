/** Waiting lines: join, read, leave; the seller reads the whole line. Decided by the shard that has the slot. */
import { decodeCursor, encodeCursor } from '../../application/page-cursor.ts';
import { pageQuerySchema } from '../../contracts/http/common.ts';
import {
  joinWaitlistSchema,
  waitlistEntrySchema,
  waitlistPageSchema,
} from '../../contracts/http/waitlist.ts';
import type { App } from '../context.ts';
import {
  keyedResponse,
  pathId,
  refusalResponse,
  requireCaller,
  resultResponse,
} from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Waiting lists';

const join = defineRoute({
  method: 'post',
  path: '/v1/slots/{id}/waitlist',
  tag,
  summary: 'Wait for a slot',
  description:
    'First come, first served. What becomes free is reserved for whoever is first and fits, for a limited time, and ' +
    'taken by an ordinary hold of theirs. A slot that is free cannot be waited for.',
  access: 'signed_in',
  pathIds: { id: 'slt' },
  body: joinWaitlistSchema,
  isBodyOptional: true,
  answers: { 201: { description: 'The place in the line.', schema: waitlistEntrySchema } },
  refusals: [
    'quantity_limit_exceeded',
    'slot_unavailable',
    'slot_past',
    'notice_too_short',
    'invalid_transition',
    'hold_limit_reached',
  ],
});

const list = defineRoute({
  method: 'get',
  path: '/v1/slots/{id}/waitlist',
  tag,
  summary: 'Read the line for a slot',
  description:
    'For its provider and operators, in order of arrival; those with an offer are in it.',
  access: 'signed_in',
  pathIds: { id: 'slt' },
  query: pageQuerySchema,
  answers: { 200: { description: 'Who waits.', schema: waitlistPageSchema } },
});

const read = defineRoute({
  method: 'get',
  path: '/v1/waitlist/{id}',
  tag,
  summary: 'Read a place in a line',
  access: 'signed_in',
  pathIds: { id: 'wtl' },
  answers: { 200: { description: 'The place as it stands.', schema: waitlistEntrySchema } },
});

const leave = defineRoute({
  method: 'delete',
  path: '/v1/waitlist/{id}',
  tag,
  summary: 'Leave a line, or decline its offer',
  description: 'What was offered goes to the next in line. Leaving again is answered the same.',
  access: 'signed_in',
  pathIds: { id: 'wtl' },
  answers: { 204: { description: 'The place is given up.' } },
});

/** Mounts the routes of waiting lines. */
export function registerWaitlist(app: App): void {
  app.openapi(join, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const { quantity = 1, fareId = null } = c.req.valid('json');
    const reply = await shard.joinWaitlist({
      caller: requireCaller(c),
      call: c.get('callKey'),
      slotId: c.req.param('id'),
      quantity,
      fareId,
    });
    return keyedResponse(c, reply);
  });

  app.openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const after = decodeCursor(cursor, ['number']);
    if (!after.ok) return refusalResponse(c, after.refusal);
    const line = await c
      .get('services')
      .objects.shard(pathId(c, 'id').locator)
      .readWaitlist({
        caller: requireCaller(c),
        slotId: c.req.param('id'),
        afterSeq: after.value?.[0] ?? 0,
        limit,
      });
    if (!line.ok) return refusalResponse(c, line.refusal);
    const { data, nextSeq } = line.value;
    return c.json({ data, nextCursor: nextSeq === null ? null : encodeCursor([nextSeq]) }, 200);
  });

  app.openapi(read, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    return resultResponse(c, await shard.getWaitlistEntry(requireCaller(c), c.req.param('id')));
  });

  app.openapi(leave, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const left = await shard.leaveWaitlist(requireCaller(c), c.req.param('id'));
    return left.ok ? c.body(null, 204) : refusalResponse(c, left.refusal);
  });
}
