/** Every operation of the OpenAPI document, with what it takes to call it as far as its guard. */
import { createApp } from '../../src/worker/app.ts';
import { openApiDocument } from '../../src/worker/openapi.ts';
import type { IdKind, RegionIdKind, ShardIdKind } from '../../src/domain/ids.ts';
import { SHARD_ID_KINDS } from '../../src/domain/ids.ts';
import { ORIGIN, services } from '../support/http.ts';

/** An operation as the suite asks it. */
export interface Operation {
  readonly name: string;
  readonly method: string;
  /** A path whose ids are genuine and name nothing. */
  readonly path: string;
  /** The same with each id forged by one character; null where there are none. */
  readonly forgedPath: string | null;
  readonly body: 'none' | 'optional' | 'required' | 'raw';
  readonly access: 'public' | 'anyone' | 'signed_in';
  readonly isRoleWanted: boolean;
  readonly key: 'none' | 'optional' | 'required';
  /** Documented statuses, with the codes that each lists. */
  readonly answers: ReadonlyMap<number, string>;
}

interface Documented {
  readonly security?: readonly Record<string, unknown>[];
  readonly parameters?: readonly {
    name: string;
    in: string;
    required?: boolean;
    schema?: { pattern?: string };
  }[];
  readonly requestBody?: { readonly required?: boolean };
  readonly responses: Readonly<Record<string, { description: string }>>;
}

/** A shard that was never provisioned. */
const NOWHERE = 'g00000000';

/** Values of path parameters that are no ids. */
const SAMPLES: Readonly<Record<string, string>> = { processor: 'stripe', code: 'not_found' };

/** All operations, in the document's order. */
export function everyOperation(): Operation[] {
  const document = openApiDocument(createApp(), ORIGIN);
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Documented>).map(([method, documented]) =>
      toOperation({ method, path, documented }),
    ),
  );
}

/** An id that opens and names nothing. */
export function genuineId(kind: string): string {
  return (SHARD_ID_KINDS as readonly string[]).includes(kind)
    ? services.ids.mintInShard(kind as ShardIdKind, NOWHERE)
    : services.ids.mintInRegion(kind as RegionIdKind, 'global');
}

function toOperation(found: { method: string; path: string; documented: Documented }): Operation {
  const { method, path, documented } = found;
  const parameters = documented.parameters ?? [];
  const kinds = new Map<string, IdKind>();
  for (const { name, in: place, schema } of parameters) {
    const kind = /^\^([a-z]{3})_$/.exec(schema?.pattern ?? '')?.[1];
    if (place === 'path' && kind !== undefined) kinds.set(name, kind as IdKind);
  }
  const fill = (of: (kind: IdKind) => string): string =>
    path.replace(/\{(\w+)\}/g, (_match, name: string) => {
      const kind = kinds.get(name);
      return kind === undefined ? (SAMPLES[name] ?? 'sample') : of(kind);
    });
  const key = parameters.find(({ name }) => name === 'Idempotency-Key');
  const security = documented.security ?? [];
  const isOpen = security.some((scheme) => Object.keys(scheme).length === 0);
  return {
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path: fill(genuineId),
    forgedPath: kinds.size === 0 ? null : fill((kind) => forge(genuineId(kind))),
    body: bodyOf(documented),
    access: security.length === 0 ? 'public' : isOpen ? 'anyone' : 'signed_in',
    // Elsewhere a role may be asked for once it is known whose object it is.
    isRoleWanted: path.startsWith('/v1/ops/'),
    key: key === undefined ? 'none' : key.required === true ? 'required' : 'optional',
    answers: new Map(
      Object.entries(documented.responses).map(([status, { description }]) => [
        Number(status),
        description,
      ]),
    ),
  };
}

function bodyOf(documented: Documented): Operation['body'] {
  if (documented.requestBody !== undefined) {
    return documented.requestBody.required === true ? 'required' : 'optional';
  }
  return documented.responses['413'] === undefined ? 'none' : 'raw';
}

function forge(id: string): string {
  return id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
}
