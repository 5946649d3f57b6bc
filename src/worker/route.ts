/**
 * How a route is declared: one description from which its checks, their order and its OpenAPI entry are made,
 * so that what is documented is what is enforced. See routes/README.md.
 */
import { createRoute, type RouteConfig, type z } from '@hono/zod-openapi';
import { problemSchema } from '../contracts/http/common.ts';
import type { Role } from '../contracts/calls.ts';
import type { IdKind } from '../domain/ids.ts';
import { REFUSAL_CODES, type RefusalCode } from '../domain/codes.ts';
import { guard } from './middleware/guard.ts';
import { PROBLEMS, PROBLEM_TYPE, type ProblemCode } from './problem.ts';

/**
 * Who may call: `public` ignores credentials, `anyone` uses them if there are some, `booker` wants an account or a guest
 * session, `signed_in` an account, a list one of its roles.
 */
export type Access = 'public' | 'anyone' | 'booker' | 'signed_in' | readonly Role[];

/** Whether an Idempotency-Key is required, honoured, or without meaning (reads, auth answers, webhooks). */
export type KeyUse = 'required' | 'optional' | 'none';

/** Which limit counts the call. */
export type RateClass = 'default' | 'auth' | 'none';

/** What a guard checks. */
export interface RouteRules {
  readonly access: Access;
  readonly key: KeyUse;
  readonly rate: RateClass;
  /** Ids in the path by parameter; forged and malformed ones are 404 before anything is named. */
  readonly pathIds: Readonly<Record<string, IdKind>>;
  /** `raw` leaves the body to the handler, for signatures. */
  readonly body: 'none' | 'optional' | 'required' | 'raw';
}

type Answer = {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** Media type where it is not JSON. */
  readonly type?: string;
};

/** The description of a route. `refusals` are those of its decision; those of its guard are added. */
export interface RouteSpec<
  P extends string,
  B extends z.ZodType | undefined,
  Q extends z.ZodObject | undefined,
  V extends z.ZodObject | undefined,
> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: P;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly access: Access;
  readonly key?: KeyUse;
  readonly rate?: RateClass;
  readonly pathIds?: Readonly<Record<string, IdKind>>;
  /** Path parameters that are not ids. */
  readonly params?: V;
  readonly query?: Q;
  readonly body?: B;
  /** A body that may be left out is read as `{}`. */
  readonly isBodyOptional?: boolean;
  readonly isBodyRaw?: boolean;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly refusals?: readonly RefusalCode[];
}

type Documented<
  P extends string,
  B extends z.ZodType | undefined,
  Q extends z.ZodObject | undefined,
  V extends z.ZodObject | undefined,
> = Omit<RouteConfig, 'method' | 'path' | 'request' | 'responses' | 'middleware'> & {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: P;
  request: Record<never, never> &
    (B extends z.ZodType ? { body: { content: { 'application/json': { schema: B } } } } : unknown) &
    (Q extends z.ZodObject ? { query: Q } : unknown) &
    (V extends z.ZodObject ? { params: V } : unknown);
  responses: { [status: number]: { description: string } };
};

/** Makes the route: checks in the contract's order, and the entry in the OpenAPI document. */
export function defineRoute<
  P extends string,
  B extends z.ZodType | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  V extends z.ZodObject | undefined = undefined,
>(spec: RouteSpec<P, B, Q, V>): Documented<P, B, Q, V> {
  const rules = rulesOf(spec);
  const route = createRoute({
    method: spec.method,
    path: spec.path,
    operationId: operationId(spec.method, spec.path),
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...security(rules.access),
    request: requestOf(spec),
    responses: { ...answersOf(spec.answers), ...problemsOf(rules, spec) },
    middleware: guard(rules),
    ...parametersOf(rules),
  } as unknown as Parameters<typeof createRoute>[0]);
  return route as unknown as Documented<P, B, Q, V>;
}

interface AnySpec {
  readonly method: string;
  readonly path: string;
  readonly access: Access;
  readonly key?: KeyUse;
  readonly rate?: RateClass;
  readonly pathIds?: Readonly<Record<string, IdKind>>;
  readonly params?: z.ZodObject | undefined;
  readonly query?: z.ZodObject | undefined;
  readonly body?: z.ZodType | undefined;
  readonly isBodyOptional?: boolean;
  readonly isBodyRaw?: boolean;
  readonly refusals?: readonly RefusalCode[];
}

function rulesOf(spec: AnySpec): RouteRules {
  const bodyUse =
    spec.body === undefined ? 'none' : spec.isBodyOptional === true ? 'optional' : 'required';
  return {
    access: spec.access,
    key: spec.key ?? (spec.method === 'post' && spec.access !== 'public' ? 'optional' : 'none'),
    rate: spec.rate ?? 'default',
    pathIds: spec.pathIds ?? {},
    body: spec.isBodyRaw === true ? 'raw' : bodyUse,
  };
}

function requestOf(spec: AnySpec): RouteConfig['request'] {
  return {
    ...(spec.query === undefined ? {} : { query: spec.query }),
    ...(spec.params === undefined ? {} : { params: spec.params }),
    ...(spec.body === undefined
      ? {}
      : {
          body: {
            content: { 'application/json': { schema: spec.body } },
            required: spec.isBodyOptional !== true,
          },
        }),
  };
}

/** Parameters that no validator reads, because the guard does. */
function parametersOf(rules: RouteRules): { parameters?: unknown[] } {
  const parameters: unknown[] = Object.entries(rules.pathIds).map(([name, kind]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: `^${kind}_` },
  }));
  if (rules.key !== 'none') {
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: rules.key === 'required',
      description:
        'Names this one call: repeated with the same key it has one effect and one answer.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    });
  }
  return parameters.length === 0 ? {} : { parameters };
}

function security(access: Access): { security?: Record<string, string[]>[] } {
  if (access === 'public') return { security: [] };
  return access === 'anyone' ? { security: [{}, { bearer: [] }] } : { security: [{ bearer: [] }] };
}

function answersOf(answers: Readonly<Record<number, Answer>>): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema, type = 'application/json' }]) => [
      status,
      schema === undefined ? { description } : { description, content: { [type]: { schema } } },
    ]),
  );
}

/** The codes that the guard and the validators of such a route can answer. */
function guardCodes(rules: RouteRules, spec: AnySpec): ProblemCode[] {
  const hasBody = rules.body === 'optional' || rules.body === 'required';
  const hasInput = hasBody || spec.query !== undefined || spec.params !== undefined;
  const when: [boolean, ProblemCode[]][] = [
    [hasBody, ['invalid_json', 'body_too_large', 'unsupported_media_type']],
    [rules.body === 'raw', ['body_too_large']],
    [rules.key === 'required', ['idempotency_key_required']],
    [
      rules.key !== 'none',
      ['idempotency_key_invalid', 'idempotency_key_reused', 'idempotency_key_in_progress'],
    ],
    [rules.access !== 'public', ['unauthenticated']],
    [rules.access === 'signed_in' || Array.isArray(rules.access), ['role_required']],
    [Object.keys(rules.pathIds).length > 0, ['not_found']],
    [hasInput, ['validation_failed']],
    [rules.rate !== 'none', ['rate_limited']],
  ];
  return when.flatMap(([applies, codes]) => (applies ? codes : []));
}

/** One response per status, whose description lists the codes in order of precedence. */
function problemsOf(rules: RouteRules, spec: AnySpec): RouteConfig['responses'] {
  const codes = new Set<ProblemCode>([
    ...guardCodes(rules, spec),
    ...(spec.refusals ?? []),
    'internal_error',
  ]);
  if (rules.access !== 'public') codes.add('overloaded');
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [...REFUSAL_CODES, 'internal_error' as const]) {
    if (!codes.has(code)) continue;
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, listed]) => [
      status,
      {
        description: listed.map((code) => `\`${code}\``).join(', '),
        content: { [PROBLEM_TYPE]: { schema: problemSchema } },
      },
    ]),
  );
}

/** `POST /v1/holds/{id}/release` becomes `postHoldsIdRelease`. */
function operationId(method: string, path: string): string {
  const words = path.replace(/^\/v1/, '').match(/[A-Za-z0-9]+/g) ?? [];
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
