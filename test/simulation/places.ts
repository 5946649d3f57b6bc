/** The places of the simulation: a small club where slots collide, and a hall with room for many. */
import type { Chance } from '../support/fake-clock.ts';
import { NodeShop } from '../support/node-shop.ts';
import { PLANS } from './mix.ts';

const DAY_MINUTES = 24 * 60;
/** When the first slot begins, in minutes after tomorrow noon: after everything that a history and its healing take. */
const FIRST_AT = 5 * DAY_MINUTES;
/** People that a hall takes for each of its two big slots: fewer than come. */
const HALL_CAPACITY = 50;

/** A court with slots that overlap, a class for two, lessons that the club has to approve, courses that two have to pledge for, and something
 * free. */
export async function openClub(seed: number): Promise<NodeShop> {
  const at = FIRST_AT;
  const shop = await NodeShop.open({
    seed,
    resources: [{}, { id: 'res_studio', capacity: 2 }],
    services: [
      {
        bufferBeforeMinutes: 10,
        bufferAfterMinutes: 10,
        holdTtlSeconds: 120,
        cancellationPolicy: [{ hoursBefore: 0, refundPercent: 50 }],
      },
      {
        id: 'svc_class',
        resourceIds: ['res_studio'],
        maxQuantity: 2,
        holdTtlSeconds: 60,
        price: { amount: 1_000, currency: 'usd' },
      },
      { id: 'svc_lesson', requiresApproval: true, holdTtlSeconds: 120 },
      {
        id: 'svc_course',
        resourceIds: ['res_studio'],
        pledge: { minimumQuantity: 2, decideHoursBefore: 96 },
        maxQuantity: 2,
      },
    ],
    slots: [
      { at },
      { at: at + 30 },
      { at: at + 80 },
      { at, serviceId: 'svc_class' },
      { at: at + 30, serviceId: 'svc_class', capacity: 1 },
      { at: at + 120, serviceId: 'svc_class', priceMinor: 0 },
      { at: at + 30, serviceId: 'svc_lesson' },
      { at: at + 240, serviceId: 'svc_lesson', priceMinor: 0 },
      { at: at + 240, serviceId: 'svc_course' },
      { at: at + 320, serviceId: 'svc_course' },
    ],
  });
  for (const [id, features] of Object.entries(PLANS)) shop.members.member(id).join(features);
  return shop;
}

/** Two big slots and a small one. */
export function openHall(seed: number): Promise<NodeShop> {
  const at = FIRST_AT;
  return NodeShop.open({
    seed,
    resources: [{ capacity: HALL_CAPACITY }],
    services: [
      { holdTtlSeconds: 300, cancellationPolicy: [{ hoursBefore: 0, refundPercent: 50 }] },
    ],
    slots: [{ at }, { at: at + 60 }, { at: at + 120, capacity: 8 }],
  });
}

/** Slots that somebody wants: in the hall any one, in the club sometimes two of the court or of the studio. */
export function someSlots(chance: Chance, { slotIds }: NodeShop, isHall: boolean): string[] {
  if (isHall) return [chance.pick(slotIds)];
  const [court, studio] = [slotIds.slice(0, 3), slotIds.slice(3, 6)];
  const [lessons, courses] = [slotIds.slice(6, 8), slotIds.slice(8)];
  const from = chance.pick([court, court, studio, lessons, courses]);
  const first = chance.pick(from);
  const second = chance.pick(from);
  return chance.happens(0.2) && first !== second ? [first, second] : [first];
}
