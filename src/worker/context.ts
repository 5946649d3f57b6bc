/**
 * What every route handler finds in its context: the services of this isolate, built once,
 * and what middleware learnt of the request.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AccountDeps } from '../application/accounts.ts';
import type {
  Clock,
  Digest,
  Entropy,
  GatewayRegistry,
  IdCodec,
  Logger,
  ObjectDirectory,
} from '../application/ports.ts';
import type { CallKey, Caller } from '../contracts/calls.ts';
import type { IdParts } from '../domain/ids.ts';
import type { ShardSockets } from '../platform/objects.ts';
import type { Settings } from '../platform/settings.ts';
import type { Tickets } from '../platform/tickets.ts';
import type { AccessTokens } from '../platform/tokens.ts';
import type { Databases } from '../storage/d1/databases.ts';
import type { RequestBody } from './request-body.ts';
import type { RateClass } from './route.ts';

export interface Services {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly digest: Digest;
  readonly ids: IdCodec;
  readonly databases: Databases;
  readonly objects: ObjectDirectory & ShardSockets;
  readonly gateways: GatewayRegistry;
  readonly tokens: AccessTokens;
  readonly tickets: Tickets;
  readonly accounts: AccountDeps;
  readonly log: Logger;
}

export interface RequestVariables {
  services: Services;
  requestId: string;
  /** What came as a body, read once by the first check of a route. */
  body: RequestBody;
  /** Null for an anonymous request. */
  caller: Caller | null;
  /** Set where the request carries a well-formed Idempotency-Key; its fingerprint covers method, path, body and caller. */
  callKey: CallKey | null;
  /** An earlier try of this keyed call died without an answer; what it was to do may be done. */
  isResumedCall: boolean;
  /** Which limit the route is counted by. */
  rateClass: RateClass;
  /** Parts of the genuine ids in the path, by parameter. */
  pathIds: Readonly<Record<string, IdParts>>;
}

/** The environment type of the Hono application. */
export interface AppEnv {
  Bindings: Env;
  Variables: RequestVariables;
}

/** The application that routes register themselves on. */
export type App = OpenAPIHono<AppEnv>;
