/**
 * What the product is measured against: the least that could be called durable. One object, one SQLite row per request,
 * answered when the row is on disk. No authentication, no validation, no rules.
 */
import { DurableObject } from 'cloudflare:workers';

interface BareEnv {
  readonly BARE: DurableObjectNamespace<BareObject>;
}

export class BareObject extends DurableObject<BareEnv> {
  constructor(state: DurableObjectState, env: BareEnv) {
    super(state, env);
    state.storage.sql.exec('CREATE TABLE IF NOT EXISTS entry (id TEXT PRIMARY KEY, body TEXT)');
  }

  write(id: string, body: string): string {
    this.ctx.storage.sql.exec('INSERT INTO entry (id, body) VALUES (?, ?)', id, body);
    return id;
  }
}

export default {
  async fetch(request, env) {
    if (request.method === 'GET') return new Response('ready');
    const body: unknown = await request.json();
    const id = await env.BARE.getByName('bench').write(crypto.randomUUID(), JSON.stringify(body));
    return Response.json({ id }, { status: 201 });
  },
} satisfies ExportedHandler<BareEnv>;
