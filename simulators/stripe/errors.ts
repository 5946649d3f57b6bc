/**
 * Stripe's errors, exactly in its JSON shape, and which of them count as executed.
 * An executed one keeps its effects and is stored under its idempotency key; the others leave no
 * trace. Source: Stripe API reference, "Errors" and "Idempotent requests".
 */
/** The `type` of an error. */
export type StripeErrorType =
  | 'api_error'
  | 'card_error'
  | 'idempotency_error'
  | 'invalid_request_error';

/** The fields beside type and message that an error may carry. */
export interface StripeErrorFields {
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly charge?: string;
  readonly payment_intent?: object;
  readonly payment_method?: object;
  readonly setup_intent?: object;
}

/** A refusal on its way to the client. */
export class StripeError extends Error {
  readonly status: number;
  readonly type: StripeErrorType;
  readonly fields: StripeErrorFields;
  /** True when the endpoint had begun to execute: effects stay, the answer is stored. */
  readonly isExecuted: boolean;

  constructor(
    message: string,
    options: {
      readonly status: number;
      readonly type: StripeErrorType;
      readonly fields?: StripeErrorFields;
      readonly isExecuted?: boolean;
    },
  ) {
    super(message);
    this.name = 'StripeError';
    this.status = options.status;
    this.type = options.type;
    this.fields = options.fields ?? {};
    this.isExecuted = options.isExecuted ?? false;
  }

  /** The JSON body for the request of that id. */
  toBody(requestId: string): object {
    const { code } = this.fields;
    return {
      error: {
        ...this.fields,
        ...(code === undefined
          ? {}
          : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` }),
        message: this.message,
        request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
        type: this.type,
      },
    };
  }
}

/** A parameter is wrong; nothing was executed. */
export function invalidParameter(param: string, code: string, message: string): StripeError {
  return new StripeError(message, {
    status: 400,
    type: 'invalid_request_error',
    fields: { code, param },
  });
}

/** A request that is refused as such, without a code. */
export function invalidRequest(message: string, param?: string): StripeError {
  return new StripeError(message, {
    status: 400,
    type: 'invalid_request_error',
    ...(param === undefined ? {} : { fields: { param } }),
  });
}

/** A well-formed request that the object's state refuses; stored under its key. */
export function refusedByState(message: string, fields: StripeErrorFields): StripeError {
  return new StripeError(message, {
    status: 400,
    type: 'invalid_request_error',
    fields,
    isExecuted: true,
  });
}

/** The addressed object (404) or a referenced one (400) does not exist. */
export function missingResource(
  kind: string,
  id: string,
  options: { readonly param: string; readonly isAddressed: boolean },
): StripeError {
  return new StripeError(`No such ${kind}: '${id}'`, {
    status: options.isAddressed ? 404 : 400,
    type: 'invalid_request_error',
    fields: { code: 'resource_missing', param: options.param },
  });
}

/** An account that does not exist or belongs to another platform; Stripe tells nobody which. */
export function accountInvalid(id: string): StripeError {
  return new StripeError(
    `The provided key does not have access to account '${id}' (or that account does not exist). ` +
      'Application access may have been revoked.',
    { status: 403, type: 'invalid_request_error', fields: { code: 'account_invalid' } },
  );
}

/** Key reuse with another request. */
export function keyReused(message: string): StripeError {
  return new StripeError(message, { status: 400, type: 'idempotency_error' });
}

/** Key whose first request still runs. */
export function keyInUse(key: string): StripeError {
  return new StripeError(
    'There is currently another in-progress request using this Idempotent Key (that probably ' +
      `means you submitted twice, and the other request is still going through): ${key}. ` +
      'Please try again later.',
    { status: 409, type: 'idempotency_error', fields: { code: 'idempotency_key_in_use' } },
  );
}

/** The card was refused. Effects of the attempt stay. */
export function cardError(message: string, fields: StripeErrorFields): StripeError {
  return new StripeError(message, { status: 402, type: 'card_error', fields, isExecuted: true });
}
