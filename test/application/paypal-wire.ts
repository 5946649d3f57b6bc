/** A scripted PayPal for the tests of the adapter's own calls: answers by path, and remembers what it was asked. */
import {
  createPaypalGateway,
  type PaypalGatewayConfig,
} from '../../src/payments/paypal/gateway.ts';

export const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
export const ORDER_ID = '5O190127TN364715T';

/** What was asked. */
export interface Asked {
  readonly method: string;
  /** Path and query, without the token's. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What is answered: a status with a body, silence, or a text that is no JSON. */
export type Answer = { status: number; body?: unknown; text?: string } | 'silence' | 'reset';

/** Answers of one call in turn; the last one repeats. */
export type Script = Readonly<Record<string, Answer | readonly Answer[]>>;

/** A gateway before a scripted PayPal. Keys are `METHOD /path`, without the query. */
export function wire(script: Script, config: Partial<PaypalGatewayConfig> = {}) {
  const asked: Asked[] = [];
  const tokens: string[] = [];
  const turns = new Map<string, number>();

  const answerTo = (call: string): Answer => {
    const planned = script[call];
    if (planned === undefined) throw new Error(`nobody expected ${call}`);
    const turn = turns.get(call) ?? 0;
    turns.set(call, turn + 1);
    const answers: readonly Answer[] = Array.isArray(planned) ? planned : [planned];
    return answers[Math.min(turn, answers.length - 1)] ?? 'reset';
  };

  const fetchIt: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const path = url.pathname.replace(/^\/base/, '');
    const method = init?.method ?? 'GET';
    const headers = new Headers(init?.headers);
    if (path === '/v1/oauth2/token') {
      tokens.push(headers.get('authorization') ?? '');
    } else {
      const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
      asked.push({ method, path: `${path}${url.search}`, headers, body });
    }
    const answer = answerTo(`${method} ${path}`);
    if (answer === 'reset') throw new TypeError('the connection was reset');
    if (answer === 'silence') return silence(init?.signal ?? null);
    const text = answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body));
    const isBodiless = answer.status === 204;
    return new Response(isBodiless ? null : text, {
      status: answer.status,
      headers: { 'paypal-debug-id': 'f00d' },
    });
  };

  const gateway = createPaypalGateway({
    apiUrl: 'https://paypal.example/base',
    clientId: 'client-id',
    clientSecret: 'client-5e3r3t',
    webhookIds: ['WEBHOOK1'],
    certHosts: ['paypal.example'],
    isLive: false,
    returnUrl: 'https://book.example/',
    nowMs: () => NOW_MS,
    fetch: fetchIt,
    ...config,
  });
  return { gateway, asked, tokens };
}

/** The token call of a PayPal that knows us. */
export const TOKEN: Script = {
  'POST /v1/oauth2/token': { status: 200, body: { access_token: 'A21', expires_in: 32_400 } },
};

/** An order of 12.34 EUR as PayPal shows it. */
export function order(changes: {
  status?: string;
  intent?: string;
  payments?: object;
  unit?: object;
  links?: object[];
  source?: object;
}): object {
  const { status = 'COMPLETED', intent = 'AUTHORIZE', payments, unit, links, source } = changes;
  return {
    id: ORDER_ID,
    status,
    intent,
    ...(source === undefined ? {} : { payment_source: source }),
    purchase_units: [
      {
        reference_id: 'default',
        custom_id: 'bkg_1:pay_1',
        invoice_id: 'pay_1',
        amount: eur('12.34'),
        ...(payments === undefined ? {} : { payments }),
        ...unit,
      },
    ],
    links: links ?? [],
  };
}

export function eur(value: string): object {
  return { currency_code: 'EUR', value };
}

/** An authorization of the whole order. */
export function authorization(changes: object = {}): object {
  return {
    id: 'AUTH1',
    status: 'CREATED',
    amount: eur('12.34'),
    create_time: '2026-11-21T11:00:00Z',
    update_time: '2026-11-21T11:00:00Z',
    expiration_time: '2026-12-20T11:00:00Z',
    ...changes,
  };
}

/** A capture of the whole order. */
export function capture(changes: object = {}): object {
  return {
    id: 'CAPT1',
    status: 'COMPLETED',
    amount: eur('12.34'),
    seller_receivable_breakdown: { gross_amount: eur('12.34'), paypal_fee: eur('0.78') },
    ...changes,
  };
}

/** An error as PayPal words it. */
export function issue(status: number, ...issues: string[]): Answer {
  const details = issues.map((name) => ({ issue: name, description: 'about jane@example.com' }));
  return { status, body: { name: 'UNPROCESSABLE_ENTITY', message: 'jane@example.com', details } };
}

/** Never answers; ends when the caller gives up. */
function silence(signal: AbortSignal | null): Promise<Response> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'TimeoutError')));
  });
}
