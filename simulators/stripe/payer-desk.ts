/**
 * What a payer does with Stripe: enter a card, authenticate, refuse. The same transitions that a
 * browser with Stripe.js would bring about, without an API key behind them.
 */
import { ControlRefusal } from '../problem.ts';
import type { PayerAction, PayerDesk, PayerOutcome, PayerView } from '../payers.ts';
import { makeCause, type World } from '../world.ts';
import { find, type StripeContext } from './context.ts';
import { StripeError } from './errors.ts';
import { attempt, failAuthentication, passAuthentication } from './payment-attempt.ts';
import { checkMethod } from './payment-intents.ts';
import { resolveMethod } from './payment-methods.ts';
import { failSetup, passSetup, tryToKeep } from './setup-intents.ts';
import type { NextAction, PaymentIntentObject, SetupIntentObject } from './shapes.ts';
import { findTestCard, PAYER_CHOICES } from './test-cards.ts';

/** A card that every issuer refuses: what "decline" enters. */
const DECLINED_METHOD = 'pm_card_chargeDeclined';
const ACCEPTED_METHOD = 'pm_card_visa';

type Intent = PaymentIntentObject | SetupIntentObject;

/** The desk for PaymentIntents and SetupIntents. */
export class StripePayerDesk implements PayerDesk {
  readonly #world: World;
  readonly #makeContext: (cause: ReturnType<typeof makeCause>) => StripeContext;

  constructor(world: World, makeContext: (cause: ReturnType<typeof makeCause>) => StripeContext) {
    this.#world = world;
    this.#makeContext = makeContext;
  }

  view(id: string): PayerView | null {
    const intent = findIntent(this.#makeContext(makeCause()), id);
    if (!intent) return null;
    const isPayment = intent.object === 'payment_intent';
    const error = isPayment ? intent.last_payment_error : intent.last_setup_error;
    return {
      id,
      title: isPayment ? 'Pay by card' : 'Save a card',
      amountMinor: isPayment ? intent.amount : null,
      currency: isPayment ? intent.currency : null,
      status: intent.status,
      note: error?.message ?? null,
      actions: actionsOf(intent),
      methods: isPayable(intent) ? PAYER_CHOICES : [],
      returnUrl: intent.next_action?.redirect_to_url?.return_url ?? null,
    };
  }

  async act(id: string, action: PayerAction): Promise<PayerOutcome> {
    const cause = makeCause();
    const ctx = this.#makeContext(cause);
    const known = findIntent(ctx, id);
    if (!known) throw new ControlRefusal(404, 'not_found', `There is no payment ${id}.`);
    const { next_action: nextAction } = known;
    this.#world.store.apply(() => {
      perform(ctx, id, action);
    });
    await this.#world.store.durable();
    this.#world.releaseEvents(cause);
    const after = findIntent(ctx, id) ?? known;
    const returnUrl = returnAddress(after, nextAction);
    return { id, status: after.status, object: after, returnUrl };
  }
}

function findIntent(ctx: StripeContext, id: string): Intent | null {
  return find(ctx, 'payment_intent', id) ?? find(ctx, 'setup_intent', id);
}

function isPayable(intent: Intent): boolean {
  return intent.status === 'requires_payment_method' || intent.status === 'requires_confirmation';
}

function actionsOf(intent: Intent): PayerView['actions'] {
  if (intent.status === 'requires_action') {
    return [
      { action: 'authenticate', label: 'Authenticate' },
      { action: 'fail', label: 'Fail the authentication' },
    ];
  }
  if (isPayable(intent)) {
    return [
      { action: 'approve', label: intent.object === 'payment_intent' ? 'Pay' : 'Save' },
      { action: 'decline', label: 'Let the card be declined' },
    ];
  }
  return [];
}

function perform(ctx: StripeContext, id: string, action: PayerAction): void {
  const intent = findIntent(ctx, id);
  if (!intent) return;
  if (action.amountMinor !== null) {
    throw new ControlRefusal(
      422,
      'validation_failed',
      'A card pays the whole amount; drop amount.',
    );
  }
  const isPositive = ['approve', 'authenticate', 'pay'].includes(action.action);
  if (intent.status === 'requires_action') {
    if (intent.object === 'setup_intent') (isPositive ? passSetup : failSetup)(ctx, intent);
    else (isPositive ? passAuthentication : failAuthentication)(ctx, intent);
    return;
  }
  const isAuthentication = action.action === 'authenticate' || action.action === 'fail';
  if (isAuthentication || !isPayable(intent)) {
    throw new ControlRefusal(
      409,
      'invalid_state',
      `The payer cannot ${action.action} while the payment is ${intent.status}.`,
    );
  }
  enterCard(ctx, intent, chosenName(intent, action, isPositive));
}

function chosenName(intent: Intent, action: PayerAction, isPositive: boolean): string {
  if (!isPositive) return DECLINED_METHOD;
  const chosen = action.paymentMethod ?? intent.payment_method ?? ACCEPTED_METHOD;
  if (chosen === intent.payment_method || findTestCard(chosen)) return chosen;
  throw new ControlRefusal(422, 'validation_failed', `There is no test payment method ${chosen}.`);
}

/** The payer enters a card in the browser, which confirms the intent without an API key. */
function enterCard(ctx: StripeContext, intent: Intent, name: string): void {
  const inBrowser = { isSdk: true, returnUrl: null };
  try {
    const method = resolveMethod(ctx, name);
    checkMethod(ctx, intent, method);
    if (intent.object === 'setup_intent') tryToKeep(ctx, { setup: intent, method }, inBrowser);
    else {
      const options = { isOffSession: false, isActionRefused: false, ...inBrowser };
      attempt(ctx, { intent, method }, options);
    }
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    // A declined card is an outcome, not a failure of the page; other refusals undo everything.
    if (!error.isExecuted) throw new ControlRefusal(422, 'payment_refused', error.message);
  }
}

/** Where the payer goes after authenticating, with the outcome appended as Stripe does. */
function returnAddress(intent: Intent, nextAction: NextAction | null): string | null {
  const target = nextAction?.redirect_to_url?.return_url ?? null;
  if (target === null) return null;
  const url = new URL(target);
  const isFailed = intent.status === 'requires_payment_method';
  url.searchParams.set(intent.object, intent.id);
  url.searchParams.set(`${intent.object}_client_secret`, intent.client_secret);
  url.searchParams.set('redirect_status', isFailed ? 'failed' : 'succeeded');
  return url.toString();
}
