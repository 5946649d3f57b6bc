/**
 * A shop with many slots and many customers, made through the product's own API before the load begins.
 * Customers are tokens of the benchmark's own key: logging in is another workload.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { SignJWT, importJWK } from 'jose';
import type { Migration } from '../scripts/local/migrations.ts';
import { createIdCodec } from '../src/platform/id-codec.ts';
import type { SigningKey } from '../src/platform/settings.ts';
import type { RunningWorkerd } from './runtime/workerd.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** The most that one call creates. */
const SLOTS_PER_CALL = 500;
const SLOTS_PER_DAY = 24;

/** Who holds: somebody without an account, without a plan, with a plan that counts nothing, with one that counts. */
export type Holder = 'guest' | 'customer' | 'member' | 'counted';

/** What the two kinds of members are granted; the counted limit is never reached. */
const ENTITLEMENTS: Readonly<Partial<Record<Holder, object>>> = {
  member: { 'access.members': true },
  counted: { 'access.members': true, 'bookings.perPeriod': 1_000_000 },
};

export interface ShopPlan {
  readonly idSecret: string;
  readonly signingKey: SigningKey;
  readonly issuer: string;
  readonly migrations: readonly Migration[];
  readonly slotCount: number;
  readonly customerCount: number;
  readonly priceMinor: number;
  readonly holder: Holder;
}

export interface Shop {
  readonly serviceIds: readonly string[];
  readonly slotIds: readonly string[];
  readonly customerTokens: readonly string[];
}

/** Migrates and fills a product that was just started. */
export async function openShop(product: RunningWorkerd, plan: ShopPlan): Promise<Shop> {
  await migrate(product, plan.migrations);
  const entropy = { bytes: (length: number) => randomBytes(length) };
  const ids = createIdCodec(plan.idSecret, entropy);
  const owner = ids.mintInRegion('usr', 'global');
  const api = new Api(product.url, await issueToken(plan, owner, ['customer', 'provider']));
  const { slotIds, serviceIds } = await createSlots(api, plan);
  const customerTokens = await Promise.all(
    Array.from({ length: plan.customerCount }, () =>
      plan.holder === 'guest'
        ? issueToken(plan, ids.mintInRegion('gst', 'global'), 'guest')
        : issueToken(plan, ids.mintInRegion('usr', 'global'), ['customer']),
    ),
  );
  const entitlements = ENTITLEMENTS[plan.holder];
  if (entitlements !== undefined) {
    const operator = new Api(product.url, await issueToken(plan, owner, ['operator']));
    await subscribeAll(product.url, { operator, customerTokens, entitlements });
  }
  return { serviceIds, slotIds, customerTokens };
}

/** Puts a plan that costs nothing on sale, and has every customer subscribe to it. */
async function subscribeAll(
  url: string,
  made: { operator: Api; customerTokens: readonly string[]; entitlements: object },
): Promise<void> {
  const planId = await made.operator.create('/v1/ops/plans', {
    code: 'bench',
    name: 'Bench',
    price: { amount: 0, currency: 'usd' },
    interval: { unit: 'month', count: 1 },
    entitlements: made.entitlements,
  });
  await made.operator.call(`/v1/ops/plans/${planId}/publish`, {});
  for (const token of made.customerTokens)
    await new Api(url, token).create('/v1/subscriptions', { planId });
}

/** An access token as the log-in would give it (RFC 9068 names the claims), or that of a guest session. */
async function issueToken(
  { issuer, signingKey }: ShopPlan,
  subject: string,
  roles: readonly string[] | 'guest',
): Promise<string> {
  const isGuest = roles === 'guest';
  return await new SignJWT(isGuest ? {} : { roles })
    .setProtectedHeader({
      alg: 'ES256',
      typ: isGuest ? 'gst+jwt' : 'at+jwt',
      kid: signingKey.kid,
    })
    .setIssuer(issuer)
    .setAudience(isGuest ? 'holdfast-guest' : 'holdfast-api')
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('15m')
    .sign(await importJWK({ ...signingKey }, 'ES256'));
}

async function migrate(product: RunningWorkerd, migrations: readonly Migration[]): Promise<void> {
  if (product.adminUrl === null) throw new Error('This runtime has no databases.');
  const statements = migrations.flatMap((migration) => migration.statements);
  for (const name of ['global', 'eu']) {
    const response = await fetch(product.adminUrl, {
      method: 'POST',
      body: JSON.stringify({ name, statements }),
    });
    const text = await response.text();
    if (!text.startsWith('[')) throw new Error(`The migrations do not apply: ${text}`);
  }
}

async function createSlots(
  api: Api,
  plan: ShopPlan,
): Promise<Pick<Shop, 'serviceIds' | 'slotIds'>> {
  const providerId = await api.create('/v1/providers', {
    name: 'Bench',
    currency: 'usd',
    timeZone: 'UTC',
  });
  const venueId = await api.create('/v1/venues', { providerId, name: 'Bench', timeZone: 'UTC' });
  const serviceIds: string[] = [];
  const slotIds: string[] = [];
  const calls = Math.ceil(plan.slotCount / SLOTS_PER_CALL);
  for (let n = 0; n < calls; n += 1) {
    // A court of its own for each call, so that no slot overlaps another on its court.
    const resourceId = await api.create('/v1/resources', {
      venueId,
      name: `Court ${n}`,
      kind: 'court',
    });
    const serviceId = await api.create('/v1/services', {
      venueId,
      name: `Tennis ${n}`,
      category: 'sport',
      resourceIds: [resourceId],
      durationMinutes: 60,
      // Long enough that no hold ends while it counts.
      holdTtlSeconds: 3_600,
      price: { amount: plan.priceMinor, currency: 'usd' },
    });
    serviceIds.push(serviceId);
    slotIds.push(...(await api.createSlots(serviceId, hours())));
  }
  return { serviceIds, slotIds };
}

function hours(): { startAt: string; endAt: string }[] {
  const firstMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + 2 * DAY_MS;
  return Array.from({ length: SLOTS_PER_CALL }, (_, n) => {
    const dayMs = firstMs + Math.floor(n / SLOTS_PER_DAY) * DAY_MS;
    const startMs = dayMs + (n % SLOTS_PER_DAY) * HOUR_MS;
    return {
      startAt: new Date(startMs).toISOString(),
      endAt: new Date(startMs + HOUR_MS).toISOString(),
    };
  });
}

class Api {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async create(path: string, body: unknown): Promise<string> {
    const made = (await this.#post(path, body)) as { id: string };
    return made.id;
  }

  async createSlots(serviceId: string, slots: readonly unknown[]): Promise<string[]> {
    const path = `/v1/services/${serviceId}/slots`;
    const made = (await this.#post(path, { slots })) as { data: { id: string }[] };
    return made.data.map((slot) => slot.id);
  }

  async call(path: string, body: unknown): Promise<unknown> {
    return await this.#post(path, body);
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${this.#token}`,
        'idempotency-key': randomUUID(),
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) {
      throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    }
    return await response.json();
  }
}
