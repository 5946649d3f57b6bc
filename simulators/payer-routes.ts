/**
 * Routes for payers: the page under /pay and the same without a browser under /control/payers.
 * Both lead to the processor's desk, so that they cannot differ.
 */
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import type { JsonObject } from './json.ts';
import { messagePage, payerPage } from './payer-page.ts';
import { findDesk, PAYER_ACTIONS, type PayerAction, type PayerDesks } from './payers.ts';
import { ControlRefusal, jsonResponse } from './problem.ts';
import { readBody } from './request-body.ts';

const PAGE_PATH = '/pay/:processor/:id';

/** Mounts /pay and /control/payers. */
export function payerRoutes(desks: PayerDesks): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get(PAGE_PATH, (http) => {
    const { processor, id } = http.req.param();
    const view = desks.get(processor)?.view(id);
    if (!view) return messagePage(404, 'There is no such payment.');
    const returnUrl = view.returnUrl ?? webUrl(http.req.query('return_url'));
    return payerPage(processor, view, { returnUrl, message: null });
  });
  app.post(PAGE_PATH, (http) => submit(http, desks));
  app.post('/control/payers/:processor/:id', async (http) => {
    const { processor, id } = http.req.param();
    const action = readAction(await readBody(http, ['action', 'amount', 'paymentMethod']));
    const outcome = await findDesk(desks, processor).act(id, action);
    const object: JsonObject = JSON.parse(JSON.stringify(outcome.object));
    return jsonResponse({ processor, id: outcome.id, status: outcome.status, object });
  });
  return app;
}

/** The page's form: acts, then goes where the payer came from, or shows the new state. */
async function submit(http: Context, desks: PayerDesks): Promise<Response> {
  const { processor = '', id = '' } = http.req.param();
  const form = await http.req.parseBody();
  const text = (name: string): string | undefined => {
    const value = form[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const view = desks.get(processor)?.view(id);
  if (!view) return messagePage(404, 'There is no such payment.');
  // A button that stands for an amount carries it behind the action.
  const [action = '', amount] = (text('action') ?? '').split(':');
  const body: JsonObject = { action, ...(amount === undefined ? {} : { amount: Number(amount) }) };
  const method = text('paymentMethod');
  if (method !== undefined) body['paymentMethod'] = method;
  const returnUrl = view.returnUrl ?? webUrl(text('returnUrl'));
  try {
    const outcome = await findDesk(desks, processor).act(id, readAction(body));
    if (outcome.returnUrl !== null) return redirect(outcome.returnUrl);
    const after = desks.get(processor)?.view(id) ?? view;
    // While there is something left to do here, the payer stays; otherwise goes back where possible.
    if (after.actions.length === 0 && returnUrl !== null) return redirect(returnUrl);
    return payerPage(processor, after, { returnUrl, message: null });
  } catch (error) {
    if (!(error instanceof ControlRefusal)) throw error;
    return payerPage(processor, view, { returnUrl, message: error.message });
  }
}

function redirect(url: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location: url, 'cache-control': 'no-store' },
  });
}

function readAction(body: JsonObject): PayerAction {
  const action = PAYER_ACTIONS.find((name) => name === body['action']);
  if (!action) {
    const list = PAYER_ACTIONS.join(', ');
    throw new ControlRefusal(422, 'validation_failed', `action must be one of ${list}.`);
  }
  const { amount, paymentMethod } = body;
  if (amount !== undefined && (!Number.isSafeInteger(amount) || Number(amount) < 0)) {
    const message = 'amount must be an integer of the minor unit, not below 0.';
    throw new ControlRefusal(422, 'validation_failed', message);
  }
  return {
    action,
    amountMinor: amount === undefined ? null : Number(amount),
    paymentMethod: typeof paymentMethod === 'string' ? paymentMethod : null,
  };
}

/** Only web addresses are followed; anything else is as good as none. */
function webUrl(text: string | undefined): string | null {
  if (text === undefined || !URL.canParse(text)) return null;
  return /^https?:$/.test(new URL(text).protocol) ? text : null;
}
