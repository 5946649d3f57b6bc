/**
 * The access token of a browser's WebSocket, which can set no header: it offers two protocols, the stream's and one that
 * carries the token, and only the first is ever answered. A token in the address would stand in every log on the way.
 */
import type { Context } from 'hono';
import type { AppEnv } from '../context.ts';

/** The protocol that is answered to whoever offers it. */
export const LIVE_PROTOCOL = 'holdfast.live';

const TOKEN_PREFIX = 'bearer.';

/** The token among the offered protocols of an upgrade; null where there is none. Source: RFC 6455, 11.3.4. */
export function socketToken(c: Context<AppEnv>): string | null {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') return null;
  const offered = protocols(c).find((protocol) => protocol.startsWith(TOKEN_PREFIX));
  return offered === undefined ? null : offered.slice(TOKEN_PREFIX.length);
}

/** True where the client offered the stream's protocol, and wants to see it answered. */
export function offersLiveProtocol(c: Context<AppEnv>): boolean {
  return protocols(c).includes(LIVE_PROTOCOL);
}

function protocols(c: Context<AppEnv>): string[] {
  return (c.req.header('Sec-WebSocket-Protocol') ?? '').split(',').map((text) => text.trim());
}
