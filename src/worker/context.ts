/**
 * What every route handler finds in its context: the services of this isolate, built once,
 * and what middleware learnt of the request.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type {
  Clock,
  Digest,
  Entropy,
  GatewayRegistry,
  IdCodec,
  Logger,
  ObjectDirectory,
} from '../application/ports.ts';
import type { CallKey, Caller } from '../contracts/durable-rpc.ts';
import type { Settings } from '../platform/settings.ts';
import type { Databases } from '../storage/d1/databases.ts';

export interface Services {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly digest: Digest;
  readonly ids: IdCodec;
  readonly databases: Databases;
  readonly objects: ObjectDirectory;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
}

export interface RequestVariables {
  services: Services;
  requestId: string;
  /** Null for an anonymous request. */
  caller: Caller | null;
  /** Set where the request carries a well-formed Idempotency-Key; its fingerprint covers method, path, body and caller. */
  callKey: CallKey | null;
}

/** The environment type of the Hono application. */
export interface AppEnv {
  Bindings: Env;
  Variables: RequestVariables;
}

/** The application that routes register themselves on. */
export type App = OpenAPIHono<AppEnv>;
