/**
 * Slows down whoever guesses codes of coupons: what was not valid is counted by caller and by address, and too much of it
 * closes this isolate to their codes for a minute, good ones included, so that nothing is learnt meanwhile. The count is the
 * runtime's, approximate and per location; the closing is memory, and protects a code of 60 bits, not a word that everybody
 * knows. Called by the routes that take codes.
 */
import type { Context } from 'hono';
import { refuse, type Refusal } from '../domain/result.ts';
import type { AppEnv } from './context.ts';
import { addressOf } from './middleware/rate-limit.ts';

/** As wrangler.toml declares the window. */
const WINDOW_MS = 60_000;

/** Names that an isolate keeps closed at a time; beyond it the oldest is let in again. */
const CLOSED_MAX = 10_000;

/** Until when a name's codes are not looked at. */
const closedUntil = new Map<string, number>();

/** Refusals: `rate_limited`, for a call with a code whose caller or address has guessed too much. */
export function guessRefusal(c: Context<AppEnv>, couponCode: string | undefined): Refusal | null {
  if (couponCode === undefined) return null;
  const nowMs = c.get('services').clock.nowMs();
  const isClosed = namesOf(c).some((name) => (closedUntil.get(name) ?? 0) > nowMs);
  return isClosed ? tooMany() : null;
}

/** Counts a code that was not valid; the refusal to give instead, once there were too many. */
export async function countGuess(c: Context<AppEnv>, refused: Refusal): Promise<Refusal> {
  const { settings, clock } = c.get('services');
  if (refused.code !== 'coupon_invalid' || !settings.rateLimits.isEnforced) return refused;
  const names = namesOf(c);
  const counts = await Promise.all(
    names.map((name) => c.env.COUPON_RATE_LIMITER.limit({ key: name })),
  );
  const over = names.filter((_, index) => counts[index]?.success === false);
  for (const name of over) close(name, clock.nowMs() + WINDOW_MS);
  return over.length === 0 ? refused : tooMany();
}

function close(name: string, untilMs: number): void {
  closedUntil.delete(name);
  closedUntil.set(name, untilMs);
  const [oldest] = closedUntil.keys();
  if (closedUntil.size > CLOSED_MAX && oldest !== undefined) closedUntil.delete(oldest);
}

function namesOf(c: Context<AppEnv>): string[] {
  const address = addressOf(c);
  const names = [c.get('caller')?.id, address === null ? undefined : `ip:${address}`];
  return names.filter((name) => name !== undefined);
}

function tooMany(): Refusal {
  return refuse('rate_limited', 'Too many codes that are not valid. Try again in a minute.', {
    retryAfterSeconds: WINDOW_MS / 1_000,
  }).refusal;
}
