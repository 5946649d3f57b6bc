/**
 * PayPal's errors: the body of an answer that is not 2xx, and the issues that the simulator raises.
 * Owns their wording; must never decide when one is due.
 * Source: PayPal REST API specifications, `error` and the 4xx answers of orders, payments and vault.
 */
import type { Json, JsonObject } from '../json.ts';

/** A link of an error's body. */
export interface ErrorLink {
  readonly href: string;
  readonly rel: string;
  readonly method: string;
}

/** What an error carries beside its name and message. */
interface ErrorParts {
  readonly details?: readonly JsonObject[];
  readonly links?: readonly ErrorLink[];
  /** True for a refusal that is an effect of its own: it is kept, and answered again under its key. */
  readonly isExecuted?: boolean;
}

/** An answer that is not 2xx. */
export class PaypalError extends Error {
  readonly status: number;
  readonly errorName: string;
  readonly details: readonly JsonObject[];
  readonly links: readonly ErrorLink[];
  readonly isExecuted: boolean;

  constructor(
    head: { readonly status: number; readonly name: string; readonly message: string },
    parts: ErrorParts = {},
  ) {
    super(head.message);
    this.name = 'PaypalError';
    this.status = head.status;
    this.errorName = head.name;
    this.details = parts.details ?? [];
    this.links = parts.links ?? [];
    this.isExecuted = parts.isExecuted ?? false;
  }

  /** The body as it is sent. */
  toBody(debugId: string): JsonObject {
    return {
      name: this.errorName,
      ...(this.details.length > 0
        ? { details: this.details.map((detail) => ({ ...detail })) }
        : {}),
      message: this.message,
      debug_id: debugId,
      links: [...this.links.map((link): Json => ({ ...link })), ...this.details.map(aboutIssue)],
    };
  }
}

/** The issues of 422 answers and what PayPal says about each. */
const ISSUES = {
  ACTION_DOES_NOT_MATCH_INTENT:
    'Order was created with an intent to AUTHORIZE or CAPTURE, and the other one was asked for.',
  AUTHORIZATION_ALREADY_CAPTURED: 'Authorization has already been captured.',
  AUTHORIZATION_DENIED: 'A denied authorization cannot be captured.',
  AUTHORIZATION_EXPIRED: 'An expired authorization cannot be captured.',
  AUTHORIZATION_VOIDED: 'A voided authorization cannot be captured or reauthorized.',
  AUTH_CAPTURE_CURRENCY_MISMATCH:
    'Currency of capture must be the same as currency of authorization.',
  CANNOT_BE_VOIDED:
    'A reauthorization cannot be voided. Please void the original parent authorization.',
  CANNOT_BE_ZERO_OR_NEGATIVE: 'Must be greater than zero.',
  CAPTURE_FULLY_REFUNDED: 'The capture has already been fully refunded.',
  CURRENCY_NOT_SUPPORTED: 'Currency code is currently not supported.',
  DECIMALS_NOT_SUPPORTED: 'Currency does not support decimals.',
  DECIMAL_PRECISION:
    'If the currency supports decimals, only two decimal place precision is supported.',
  DUPLICATE_INVOICE_ID:
    'Duplicate Invoice ID detected. To avoid a potential duplicate transaction your account setting ' +
    'requires that Invoice Id be unique for each transaction.',
  INSTRUMENT_DECLINED:
    "The instrument presented was either declined by the processor or bank, or it can't be used for " +
    'this payment.',
  MAX_CAPTURE_AMOUNT_EXCEEDED:
    'Capture amount exceeds allowable limit. Please contact customer service or your account manager ' +
    'to request the change to your overage limit.',
  ORDER_ALREADY_AUTHORIZED:
    "Order already authorized. If 'intent=AUTHORIZE' only one authorization per order is allowed.",
  ORDER_ALREADY_CAPTURED:
    "Order already captured. If 'intent=CAPTURE' only one capture per order is allowed.",
  ORDER_COMPLETION_IN_PROGRESS: 'A previous request to complete this order is in progress.',
  ORDER_EXPIRED: 'Order is expired and hence cannot be authorized or captured.',
  ORDER_NOT_APPROVED:
    'Payer has not yet approved the Order for payment. Please redirect the payer to the ' +
    "'rel':'approve' url returned as part of the HATEOAS links within the Create Order call.",
  PENDING_CAPTURE: 'Cannot initiate a refund as the capture is pending.',
  PREVIOUSLY_CAPTURED: 'Authorization has been previously captured and hence cannot be voided.',
  PREVIOUSLY_VOIDED: 'Authorization has been previously voided and hence cannot be voided again.',
  REAUTHORIZATION_NOT_SUPPORTED:
    'A reauthorize cannot be attempted on an authorization that is the result of a prior ' +
    'reauthorization, nor for another amount.',
  REAUTHORIZATION_TOO_SOON:
    'A reauthorization is only allowed once from Day 4 to Day 29 since the date of the original ' +
    'authorization.',
  REFUND_AMOUNT_EXCEEDED:
    'The refund amount must be less than or equal to the capture amount that has not yet been refunded.',
  REFUND_CAPTURE_CURRENCY_MISMATCH: 'Refund must be in the same currency as the capture.',
  REFUND_FAILED_INSUFFICIENT_FUNDS:
    'Capture could not be refunded due to insufficient funds. Please check to see if you have ' +
    'sufficient funds in your PayPal account or if the bank account linked to your PayPal account is ' +
    'verified and has sufficient funds.',
  REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK:
    'Refunds not allowed on this capture due to a chargeback on the card or bank. Please contact the ' +
    'payee to resolve the chargeback.',
  REFUND_TIME_LIMIT_EXCEEDED: 'You are over the time limit to perform a refund on this capture.',
  PAYER_ACTION_REQUIRED:
    'Payer needs to perform the following action before proceeding with payment.',
  TRANSACTION_DISPUTED:
    'Partial refunds cannot be offered at this time because there is an open case on this ' +
    'transaction. Visit the PayPal Resolution Center to review this case.',
  TRANSACTION_REFUSED: 'The request was refused.',
} as const;

/** One of the issues above. */
export type Issue = keyof typeof ISSUES;

/** True for an issue that the simulator knows; used by the mock header. */
export function isIssue(text: string): text is Issue {
  return Object.hasOwn(ISSUES, text);
}

/** A refusal for business reasons, 422. */
export function unprocessable(
  issue: Issue,
  parts: Omit<ErrorParts, 'details'> & { readonly field?: string; readonly value?: string } = {},
): PaypalError {
  const { field, value, ...rest } = parts;
  const detail: JsonObject = {
    ...(field === undefined ? {} : { field, location: 'body' }),
    ...(value === undefined ? {} : { value }),
    issue,
    description: ISSUES[issue],
  };
  return new PaypalError(
    {
      status: 422,
      name: 'UNPROCESSABLE_ENTITY',
      message:
        'The requested action could not be performed, semantically incorrect, or failed business ' +
        'validation.',
    },
    { ...rest, details: [detail] },
  );
}

/** A request that is not well-formed, 400. `field` is a JSON pointer or the name of a header. */
export function invalidRequest(
  issue: string,
  where: { readonly field: string; readonly location?: 'body' | 'header' | 'query' },
  description = 'A required field or parameter is missing or its value is not valid.',
): PaypalError {
  const { field, location = 'body' } = where;
  return new PaypalError(
    {
      status: 400,
      name: 'INVALID_REQUEST',
      message: 'Request is not well-formed, syntactically incorrect, or violates schema.',
    },
    { details: [{ field, location, issue, description }] },
  );
}

/** The path names nothing, 404. */
export function notFound(): PaypalError {
  const description =
    'Specified resource ID does not exist. Please check the resource ID and try again.';
  return new PaypalError(
    { status: 404, name: 'RESOURCE_NOT_FOUND', message: 'The specified resource does not exist.' },
    { details: [{ issue: 'INVALID_RESOURCE_ID', description }] },
  );
}

/** The caller may not use what the request names, 403. */
export function notPermitted(): PaypalError {
  const description =
    'You do not have permission to access or perform operations on this resource.';
  return new PaypalError(
    {
      status: 403,
      name: 'NOT_AUTHORIZED',
      message: 'Authorization failed due to insufficient permissions.',
    },
    { details: [{ issue: 'PERMISSION_DENIED', description }] },
  );
}

/** The key is being executed. Orders say so with 422, payments and the rest with 409. */
export function inProgress(isOrder: boolean): PaypalError {
  if (isOrder) return unprocessable('ORDER_COMPLETION_IN_PROGRESS');
  const description =
    'A previous request on this resource is currently in progress. Please wait for some time and try ' +
    'again.';
  return new PaypalError(
    {
      status: 409,
      name: 'RESOURCE_CONFLICT',
      message: 'The server has detected a conflict while processing this request.',
    },
    { details: [{ issue: 'PREVIOUS_REQUEST_IN_PROGRESS', description }] },
  );
}

/** A fault of PayPal's, 500. */
export function serverError(): PaypalError {
  const message = 'An internal server error has occurred.';
  return new PaypalError({ status: 500, name: 'INTERNAL_SERVER_ERROR', message });
}

/** Too many calls, 429. */
export function rateLimited(): PaypalError {
  const message = 'Too many requests. Blocked due to rate limiting.';
  return new PaypalError({ status: 429, name: 'RATE_LIMIT_REACHED', message });
}

/** The body is not JSON by its type, 415. */
export function unsupportedMediaType(): PaypalError {
  const message = "The server does not support the request payload's media type.";
  return new PaypalError({ status: 415, name: 'UNSUPPORTED_MEDIA_TYPE', message });
}

function aboutIssue({ issue }: JsonObject): Json {
  const anchor = typeof issue === 'string' ? issue : '';
  const href = `https://developer.paypal.com/api/rest/reference/orders/v2/errors/#${anchor}`;
  return { href, rel: 'information_link', method: 'GET' };
}
