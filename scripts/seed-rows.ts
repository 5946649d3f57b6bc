/** Rows of the seed that no call of the API makes: the roles of the first operator and provider. Safe to repeat. */
import type { D1Database } from '@cloudflare/workers-types';

/** Adds a role to an account; it shows at the next login. */
export async function grantRole(
  database: D1Database,
  grant: { userId: string; role: string },
): Promise<string> {
  await database
    .prepare(
      `UPDATE user SET roles = (
         SELECT json_group_array(value) FROM (SELECT value FROM json_each(user.roles) UNION SELECT ?2)
       ) WHERE id = ?1`,
    )
    .bind(grant.userId, grant.role)
    .run();
  return grant.role;
}
