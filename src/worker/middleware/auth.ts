/**
 * Who calls: reads the Bearer token, and checks the roles that a route wants.
 * Costs no database read. A token that is there but not good is refused even where none is needed,
 * so that a client notices that it has to refresh.
 */
import type { Context } from 'hono';
import { isGuest, type Caller, type Role } from '../../contracts/calls.ts';
import { refuse, type Refusal } from '../../domain/result.ts';
import type { AppEnv } from '../context.ts';
import type { RouteRules } from '../route.ts';
import { socketToken } from './socket-token.ts';

const BEARER = /^Bearer +(\S+) *$/i;

/** Sets the caller. Refusals: `unauthenticated`. Source: RFC 6750. */
export async function authenticate(c: Context<AppEnv>, rules: RouteRules): Promise<Refusal | null> {
  if (rules.access === 'public') return null;
  const header = c.req.header('Authorization');
  const offered = header === undefined ? socketToken(c) : null;
  if (header === undefined && offered === null) {
    if (rules.access === 'anyone') return null;
    return refuse('unauthenticated', 'Send an access token as a Bearer token.').refusal;
  }
  const token = offered ?? BEARER.exec(header ?? '')?.[1];
  const caller = token === undefined ? null : await c.get('services').tokens.verify(token);
  // One that was signed by us and names nobody of ours can only come from another deployment with our key.
  if (caller === null || c.get('services').ids.open(kindOf(caller), caller.id) === null) {
    return refuse('unauthenticated', 'The access token is not valid, or has expired.').refusal;
  }
  c.set('caller', caller);
  return null;
}

/** Refusals: `role_required`. */
export function authorize(c: Context<AppEnv>, rules: RouteRules): Refusal | null {
  const caller = c.get('caller');
  if (rules.access === 'signed_in' && caller !== null && isGuest(caller)) {
    return refuse('role_required', 'This call is for people with an account.').refusal;
  }
  if (typeof rules.access === 'string') return null;
  const wanted: readonly Role[] = rules.access;
  const roles = caller?.roles ?? [];
  if (wanted.some((role) => roles.includes(role))) return null;
  return refuse('role_required', `This call is for the role ${wanted.join(' or ')}.`).refusal;
}

function kindOf(caller: Caller): 'usr' | 'gst' {
  return isGuest(caller) ? 'gst' : 'usr';
}
