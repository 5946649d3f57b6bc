/**
 * Refusals of the control routes, as RFC 9457 problems. The processors' own routes answer in their
 * processor's shape and must never use this.
 */
import type { Json } from './json.ts';

/** A refusal that a control route answers with. */
export class ControlRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = 'ControlRefusal';
    this.status = status;
    this.code = code;
  }

  /** The problem document as an HTTP response. */
  toResponse(): Response {
    const body = {
      type: `about:blank#${this.code}`,
      title: this.code.replaceAll('_', ' '),
      status: this.status,
      code: this.code,
      detail: this.message,
    };
    return jsonResponse(body, this.status, 'application/problem+json');
  }
}

/** A JSON response that a person can read in a terminal. */
export function jsonResponse(body: Json, status = 200, type = 'application/json'): Response {
  return new Response(`${JSON.stringify(body, null, 2)}\n`, {
    status,
    headers: { 'content-type': type, 'cache-control': 'no-store' },
  });
}
