/** `/v1/ops/audit`: the trail as operators read it, verify it, and take it away to verify elsewhere. */
import { exportAudit, searchAudit } from '../../application/read-audit.ts';
import { verifyAudit } from '../../application/verify-audit.ts';
import { fromInstant } from '../../contracts/http/catalogue-views.ts';
import {
  auditPageSchema,
  auditQuerySchema,
  auditVerdictSchema,
  toAuditRowView,
} from '../../contracts/http/operations.ts';
import type { App, Services } from '../context.ts';
import { pageResponse } from '../map-response.ts';
import { defineRoute } from '../route.ts';
import { auditStores, verifyAuditDeps } from '../use-case-deps.ts';

const tag = 'Operations';
const access = ['operator'] as const;

const search = defineRoute({
  method: 'get',
  path: '/v1/ops/audit',
  tag,
  summary: 'Search the audit trail',
  description: 'Oldest first. `entityId` finds the rows of a thing and of what belongs to it.',
  access,
  query: auditQuerySchema,
  answers: { 200: { description: 'Rows.', schema: auditPageSchema } },
});

const verify = defineRoute({
  method: 'get',
  path: '/v1/ops/audit/verify',
  tag,
  summary: 'Verify the audit trail',
  description:
    'Makes every hash again, follows every link, and compares each end with the shard or subscription that made the chain.',
  access,
  answers: { 200: { description: 'The verdict.', schema: auditVerdictSchema } },
});

const exported = defineRoute({
  method: 'get',
  path: '/v1/ops/audit/export',
  tag,
  summary: 'Export the audit trail',
  description:
    'JSON lines `{stream,previousHash,hash,event}`: `hash` is SHA-256 of `previousHash` followed by the canonical JSON (RFC 8785) of `event`.',
  access,
  answers: { 200: { description: 'The lines.', type: 'application/jsonl' } },
});

/** Registers the routes. */
export function registerOpsAudit(app: App): void {
  app.openapi(search, async (c) => {
    const { entityId, from, to, cursor, limit } = c.req.valid('query');
    const result = await searchAudit(auditStores(c.get('services')), {
      entityId: entityId ?? null,
      fromMs: fromInstant(from),
      toMs: fromInstant(to),
      cursor,
      limit,
    });
    return pageResponse(c, result, toAuditRowView);
  });
  app.openapi(verify, async (c) =>
    c.json(await verifyAudit(verifyAuditDeps(c.get('services'))), 200),
  );
  app.openapi(exported, (c) =>
    c.body(exportStream(c.get('services')), 200, {
      'Content-Type': 'application/jsonl; charset=utf-8',
      'Content-Disposition': 'attachment; filename="audit.jsonl"',
      'Cache-Control': 'no-store',
    }),
  );
}

/** Reads the next page only when the client has taken the last one. */
function exportStream(services: Services): ReadableStream<Uint8Array> {
  const pages = exportAudit(auditStores(services));
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pages.next();
      if (done === true) return controller.close();
      const text = value.map((line) => `${JSON.stringify(line)}\n`).join('');
      controller.enqueue(encoder.encode(text));
    },
    async cancel() {
      await pages.return(undefined);
    },
  });
}
