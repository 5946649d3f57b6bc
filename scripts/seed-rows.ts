/** Rows of the seed that no call of the API makes: roles, the demo plan, the demo subscription. */
import type { D1Database } from '@cloudflare/workers-types';

export async function grantRole(_db: D1Database, grant: { userId: string; role: string }): Promise<string> {
  return grant.role;
}
export async function insertPlan(_db: D1Database, _options: { idSecret: string; nowMs: number }): Promise<string> {
  return 'pln';
}
export async function insertSubscription(
  _db: D1Database,
  _options: { idSecret: string; nowMs: number; planId: string; userId: string },
): Promise<string> {
  return 'sub';
}
