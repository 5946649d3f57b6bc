/**
 * The OpenAPI document, made from the route definitions that also check the requests, so that the two cannot differ.
 * Used by GET /openapi.json, by the reference page and by the script that writes docs/reference.
 */
import type { App } from './context.ts';

/** How callers identify themselves. */
export const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token from /v1/auth/login or /v1/auth/refresh.',
  },
} as const;

/** The document; `serverUrl` is the origin that it names. */
export function openApiDocument(app: App, serverUrl: string) {
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: 'v1',
      description:
        'Select a slot, pay, get an instant confirmation. Errors are problem documents (RFC 9457) whose `code` is stable; each code is documented at its `type` address.',
    },
    servers: [{ url: serverUrl }],
  });
}
