/** Holds: place, read, give up. Membership first, then one call to the shard; D1 only to name plans in a refusal. */
import type { Context } from 'hono';
import { holdSlots } from '../../application/admit-hold.ts';
import { giveUpHold, type CheckoutPorts } from '../../application/checkout.ts';
import { namePlans } from '../../application/name-plans.ts';
import { isGuest, type KeyedReply } from '../../contracts/calls.ts';
import type { ClaimRequest, HoldOrigin } from '../../contracts/durable-rpc.ts';
import { createHoldSchema, holdSchema, type ClaimBody } from '../../contracts/http/booking.ts';
import type { IdParts } from '../../domain/ids.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { addressKey } from '../../platform/address-keys.ts';
import { PlanRepository } from '../../storage/d1/plan-repository.ts';
import type { App, AppEnv } from '../context.ts';
import { countGuess, guessRefusal } from '../coupon-guesses.ts';
import { addressOf } from '../middleware/rate-limit.ts';
import {
  keyedResponse,
  pathId,
  refusalResponse,
  requireCaller,
  requireCallKey,
  resultResponse,
} from '../respond.ts';
import { defineRoute } from '../route.ts';

/** What taking slots may be refused with, for a hold and for a booking made of slots at once. */
export const CLAIM_REFUSALS = [
  'subscription_required',
  'quota_exhausted',
  'sale_not_open',
  'not_found',
  'quantity_limit_exceeded',
  'coupon_invalid',
  'slots_span_shards',
  'slot_unavailable',
  'slot_past',
  'notice_too_short',
  'outside_booking_window',
  'customer_limit_reached',
  'coupon_exhausted',
  'hold_limit_reached',
  'overloaded',
] as const;

const createHold = defineRoute({
  method: 'post',
  path: '/v1/holds',
  tag: 'Booking',
  summary: 'Hold slots, all or nothing',
  access: 'booker',
  key: 'required',
  body: createHoldSchema,
  answers: { 201: { description: 'The hold, with its price and deadline.', schema: holdSchema } },
  refusals: CLAIM_REFUSALS,
});

const getHold = defineRoute({
  method: 'get',
  path: '/v1/holds/{id}',
  tag: 'Booking',
  summary: 'Read a hold',
  access: 'booker',
  pathIds: { id: 'hld' },
  answers: { 200: { description: 'The hold as it stands.', schema: holdSchema } },
});

const deleteHold = defineRoute({
  method: 'delete',
  path: '/v1/holds/{id}',
  tag: 'Booking',
  summary: 'Give a hold up',
  description:
    'An open payment is closed first. Giving up a hold that has ended is answered the same.',
  access: 'booker',
  pathIds: { id: 'hld' },
  answers: { 204: { description: 'The hold has ended.' } },
  refusals: ['hold_committed'],
});

/** Mounts the routes of holds. */
export function registerHolds(app: App): void {
  app.openapi(createHold, async (c) => {
    const body = c.req.valid('json');
    const { couponCode } = body;
    const guessing = guessRefusal(c, couponCode);
    if (guessing !== null) return refusalResponse(c, guessing);
    const claim = claimOf(body);
    const shardKey = shardOf(c, claim);
    if (!shardKey.ok) return refusalResponse(c, shardKey.refusal);
    const wish = {
      caller: requireCaller(c),
      call: requireCallKey(c),
      claim,
      couponCode: couponCode ?? null,
      ...holdBudgets(c),
    };
    const reply = await holdSlots(checkoutPorts(c, shardKey.value), wish);
    return claimResponse(c, reply);
  });

  app.openapi(getHold, async (c) => {
    const { locator } = pathId(c, 'id');
    const shard = c.get('services').objects.shard(locator);
    return resultResponse(c, await shard.getHold(requireCaller(c), c.req.param('id')));
  });

  app.openapi(deleteHold, async (c) => {
    const asked = { caller: requireCaller(c), holdId: c.req.param('id') };
    const given = await giveUpHold(checkoutPorts(c, pathId(c, 'id').locator), asked);
    return given.ok ? c.body(null, 204) : refusalResponse(c, given.refusal);
  });
}

/** Answers a call that took slots or did not: plans that would have done are named, guesses of codes counted. */
export async function claimResponse<T>(
  c: Context<AppEnv>,
  reply: KeyedReply<T>,
): Promise<Response> {
  const named = await namePlans({ plans: plansOf(c), log: c.get('services').log }, reply);
  if (named.ok) return keyedResponse(c, named);
  return keyedResponse(c, { ...named, refusal: await countGuess(c, named.refusal) });
}

/** What a body asks to claim. */
export function claimOf(body: ClaimBody): ClaimRequest {
  const { slotIds = [], series, quantity = null, units = null, fareId = null } = body;
  const size = { quantity, units, fareId };
  if (series === undefined) return { slotIds, ...size };
  return { series: { firstSlotId: series.firstSlotId, count: series.count }, ...size };
}

/** The one shard that all the slots belong to. Refusals: not_found, slots_span_shards. */
export function shardOf(c: Context<AppEnv>, claim: ClaimRequest): Result<string> {
  const slotIds = 'series' in claim ? [claim.series.firstSlotId] : claim.slotIds;
  const parts: IdParts[] = [];
  for (const id of slotIds) {
    const slot = c.get('services').ids.open('slt', id);
    if (slot === null) return refuse('not_found', 'There is no such slot.');
    parts.push(slot);
  }
  const keys = new Set(parts.map(({ locator }) => locator));
  const [key] = keys;
  if (key === undefined || keys.size > 1) {
    return refuse('slots_span_shards', 'The slots belong to several inventories.');
  }
  return ok(key);
}

/** How many holds may live at a time: of the caller, and of all guests from where a guest calls. */
export function holdBudgets(c: Context<AppEnv>): { holdBudget: number; origin?: HoldOrigin } {
  const { settings } = c.get('services');
  const holdBudget = settings.holdsPerPrincipal;
  const address = isGuest(requireCaller(c)) ? addressOf(c) : null;
  if (address === null) return { holdBudget };
  const key = addressKey(settings.idSecret, address);
  return { holdBudget, origin: { key, budget: settings.guestHoldsPerAddress } };
}

/** What holding, booking and cancelling in a shard run on. */
export function checkoutPorts(c: Context<AppEnv>, shardKey: string): CheckoutPorts {
  const { objects, gateways, digest, log } = c.get('services');
  return { shardKey, shard: objects.shard(shardKey), objects, gateways, digest, log };
}

/** Plans are in the global database. */
export function plansOf(c: Context<AppEnv>): PlanRepository {
  return new PlanRepository(c.get('services').databases.of('global'));
}
