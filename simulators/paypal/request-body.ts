/**
 * The body of a call as PayPal takes it: JSON, or for evidence a form with the JSON in its part `input`.
 * Must never know an operation.
 */
import { isJsonObject, type JsonObject } from '../json.ts';
import { invalidRequest, unsupportedMediaType } from './errors.ts';

/** The body as an object; an empty one is an empty object. Errors: 400, 415. */
export function decodeBody(text: string, contentType: string | undefined): JsonObject {
  const type = contentType ?? '';
  if (type.startsWith('multipart/form-data')) return parse(formInput(text));
  if (/^application\/json\b/i.test(type)) return parse(text);
  throw unsupportedMediaType();
}

function parse(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Falls through to the refusal, as anything else that is not an object.
  }
  throw invalidRequest(
    'MALFORMED_REQUEST_JSON',
    { field: '/' },
    'The request JSON is not well formed.',
  );
}

/** The part named `input`, or nothing. Files beside it are not looked at. */
function formInput(text: string): string {
  const match = /name="input"[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n([\s\S]*?)\r?\n--/.exec(text);
  return match?.[1] ?? '';
}
