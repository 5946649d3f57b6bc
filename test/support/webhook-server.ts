/**
 * Where a processor's webhooks are sent in a test: a server on the loopback that hands over each delivery, byte for
 * byte as it came, and answers what its owner says.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

/** A delivery as it came over the wire. */
export interface Delivery {
  readonly path: string;
  readonly rawBody: string;
  readonly headers: Headers;
}

/** A server that listens. */
export interface WebhookServer {
  /** Without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/** Listens on a free port. `take` gives the status of the answer; where it fails, that is 400. */
export async function listenForWebhooks(
  take: (delivery: Delivery) => number | Promise<number>,
): Promise<WebhookServer> {
  const server = createServer((request, response) => {
    void received(request)
      .then(take)
      .catch(() => 400)
      .then((status) => response.writeHead(status).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${String(address.port)}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function received(request: IncomingMessage): Promise<Delivery> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }
  return { path: request.url ?? '', rawBody: await text(request), headers };
}
