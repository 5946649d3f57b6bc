/**
 * Counts calls: whoever has an account by id, everybody else by address, log-ins apart and tighter. Guests are as many as
 * somebody wants to be, so that an id of theirs limits nobody.
 * The runtime's limiter is approximate and per location; it protects us, and is no quota that anybody pays for.
 * Source: IETF draft httpapi-ratelimit-headers (RateLimit-Policy), RFC 6585.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { isGuest } from '../../contracts/calls.ts';
import { refuse, type Refusal } from '../../domain/result.ts';
import type { AppEnv } from '../context.ts';
import type { RouteRules } from '../route.ts';

/** The window of both limits, as wrangler.toml declares it. */
const WINDOW_SECONDS = 60;

/** Refusals: `rate_limited`. Effect: the policy header names the route's own limit. */
export async function countCall(c: Context<AppEnv>, rules: RouteRules): Promise<Refusal | null> {
  const { settings } = c.get('services');
  c.set('rateClass', rules.rate);
  if (rules.rate === 'none' || !settings.rateLimits.isEnforced) return null;
  const limiter = rules.rate === 'auth' ? c.env.AUTH_RATE_LIMITER : c.env.RATE_LIMITER;
  return verdict(await limiter.limit({ key: limitKey(c, rules) }));
}

/** Counts by something else than who calls, as tightly as log-ins. Refusals: `rate_limited`. */
export async function countKey(c: Context<AppEnv>, key: string): Promise<Refusal | null> {
  if (!c.get('services').settings.rateLimits.isEnforced) return null;
  return verdict(await c.env.AUTH_RATE_LIMITER.limit({ key }));
}

/** Tells on every answer which limit the call is under. */
export const ratePolicy: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  c.res.headers.set('RateLimit-Policy', policy(c));
};

function policy(c: Context<AppEnv>): string {
  const { rateLimits } = c.get('services').settings;
  return c.get('rateClass') === 'auth'
    ? `"auth";q=${rateLimits.authPerMinute};w=${WINDOW_SECONDS}`
    : `"default";q=${rateLimits.perMinute};w=${WINDOW_SECONDS}`;
}

function limitKey(c: Context<AppEnv>, { rate }: RouteRules): string {
  const caller = c.get('caller');
  if (caller !== null && rate !== 'auth' && !isGuest(caller)) return caller.id;
  return `ip:${addressOf(c) ?? 'unknown'}`;
}

/** Where the call comes from. The edge sets the address itself; other proxies' headers can be made up and are not read. */
export function addressOf(c: Context<AppEnv>): string | null {
  return c.req.header('CF-Connecting-IP') ?? null;
}

function verdict({ success }: RateLimitOutcome): Refusal | null {
  return success
    ? null
    : refuse('rate_limited', 'Too many requests. Try again in a minute.').refusal;
}
