/**
 * Reading the JSON bodies of the control routes. Unknown fields are refused, so that a misspelt
 * fault is noticed instead of doing nothing.
 */
import type { Context } from 'hono';
import { isJsonObject, type JsonObject } from './json.ts';
import { ControlRefusal } from './problem.ts';

/** The body as an object with no other than the known fields; an empty body is an empty object. */
export async function readBody(http: Context, known: readonly string[]): Promise<JsonObject> {
  const text = await http.req.text();
  const body = parse(text.trim() === '' ? '{}' : text);
  if (!isJsonObject(body)) {
    throw new ControlRefusal(400, 'invalid_json', 'The body must be a JSON object.');
  }
  const unknown = Object.keys(body).find((name) => !known.includes(name));
  if (unknown === undefined) return body;
  throw new ControlRefusal(
    422,
    'validation_failed',
    `Unknown field ${unknown}. Known fields are ${known.join(', ')}.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ControlRefusal(400, 'invalid_json', 'The body is not JSON.');
  }
}
