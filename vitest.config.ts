/**
 * Five projects: pure code on Node, the shard's simulation, the Worker and its objects in workerd, the simulators on
 * Node, and whole platforms.
 * `npm test` runs them all; `npx vitest --project workers` runs one.
 */
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { makeSecrets, makeWorkerBindings } from './test/worker-bindings.ts';

/** Queues deliver at once and give up soon: a test waits for them. */
const FAST_CONSUMER = { maxBatchSize: 10, maxBatchTimeout: 0.05, maxRetries: 3, retryDelay: 0 };
const QUEUES = [
  'holdfast-audit',
  'holdfast-projections',
  'holdfast-payments',
  'holdfast-webhooks',
  'holdfast-renewals',
];

const BUNDLED = [
  '@hono/zod-openapi',
  'canonicalize',
  'drizzle-orm',
  'drizzle-orm/d1',
  'drizzle-orm/sqlite-core',
  'hono/accepts',
  'hono/http-exception',
  'hono/route',
  'hono/router/trie-router',
  'ical-generator',
  'jose',
  'rrule-temporal',
  'stripe',
  'temporal-polyfill/fns/Instant',
  'temporal-polyfill/fns/ZonedDateTime',
  'uqr',
  'zod',
];

/** The reason of a rejected call is known to the test that awaited it; the runtime reports it a second time. */
function isReportedTwice(error: object): boolean {
  return 'durableObjectId' in error && 'remote' in error;
}

const BINDINGS = makeWorkerBindings();

/**
 * When a test that hangs is ended. Generous, because it says nothing about the product: how fast something is, benchmarks
 * measure, and a busy machine must not fail what is right.
 */
const ENDED_AFTER = { testTimeout: 60_000, hookTimeout: 60_000 };

// Wrangler looks for the secrets that wrangler.toml requires here, and complains at each file where it finds none.
Object.assign(process.env, makeSecrets());

export default defineConfig(async () => ({
  test: {
    projects: [
      {
        test: {
          ...ENDED_AFTER,
          name: 'unit',
          include: [
            'test/domain/**/*.test.ts',
            'test/application/**/*.test.ts',
            'test/contract/**/*.test.ts',
            'test/platform/**/*.test.ts',
            'test/tidy.test.ts',
          ],
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                ...BINDINGS,
                TEST_MIGRATIONS: await readD1Migrations('migrations'),
              },
              queueConsumers: {
                ...Object.fromEntries(
                  QUEUES.map((queue) => [
                    queue,
                    { ...FAST_CONSUMER, deadLetterQueue: 'holdfast-dead-letters' },
                  ]),
                ),
                'holdfast-dead-letters': FAST_CONSUMER,
              },
            },
          }),
        ],
        test: {
          ...ENDED_AFTER,
          name: 'workers',
          // Libraries of many files are bundled once instead of being fetched file by file into each worker.
          deps: { optimizer: { ssr: { enabled: true, include: BUNDLED } } },
          include: ['test/integration/**/*.test.ts', 'test/security/**/*.test.ts'],
          setupFiles: ['test/support/setup-workers.ts'],
          onUnhandledError: (error: object) => (isReportedTwice(error) ? false : undefined),
        },
      },
      { test: { ...ENDED_AFTER, name: 'simulation', include: ['test/simulation/**/*.test.ts'] } },
      { test: { ...ENDED_AFTER, name: 'simulators', include: ['test/simulators/**/*.test.ts'] } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
}));
