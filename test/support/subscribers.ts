/** Plans on sale and members who subscribe to them, over HTTP, for tests in workerd. Decides nothing by itself. */
import { expect } from 'vitest';
import type { DataRegion } from '../../src/domain/ids.ts';
import { call, makePerson, type Answer, type Person } from './api.ts';

/** Somebody who may write plans and see everybody's subscription. */
export const operator = await makePerson(['operator']);

let count = 0;

/** A plan on sale under a code of its own; free and monthly unless it says otherwise. */
export async function sell(terms: object = {}): Promise<string> {
  const body = {
    code: `subscribed-${(count += 1)}`,
    name: 'Club',
    price: { amount: 0, currency: 'usd' },
    interval: { unit: 'month', count: 1 },
    entitlements: { 'access.members': true },
    ...terms,
  };
  const { json } = await call('POST /v1/ops/plans', { as: operator, body });
  await call(`POST /v1/ops/plans/${json.id}/publish`, { as: operator });
  return json.id;
}

export function newKey(): string {
  return `key-${(count += 1)}`;
}

export function signUp(as: Person, body: object, key = newKey()): Promise<Answer> {
  return call('POST /v1/subscriptions', { as, body, key });
}

/** A new member whose subscription is active. */
export async function subscribe(planId: string, region: DataRegion = 'global', more: object = {}) {
  const member = await makePerson(['customer'], region);
  const { status, json, text } = await signUp(member, { planId, ...more });
  expect([status, json.status], text).toEqual([201, 'active']);
  return { member, id: json.id as string, subscription: json };
}

/** What a member commands, such as `sub_…/cancel`, under a key of its own. */
export function command(as: Person, path: string, body: object = {}): Promise<Answer> {
  return call(`POST /v1/subscriptions/${path}`, { as, body, key: newKey() });
}

export function expectCode(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.json?.code], answer.text).toEqual([status, code]);
}
