/** Runs before each test file in workerd, whose storage is its own: brings both databases up to date. */
import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

const { TEST_MIGRATIONS } = env as unknown as { TEST_MIGRATIONS: D1Migration[] };

await applyD1Migrations(env.DB, TEST_MIGRATIONS);
await applyD1Migrations(env.DB_EU, TEST_MIGRATIONS);
