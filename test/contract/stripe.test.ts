/**
 * The payment contract, run by the shipping Stripe adapter against the Stripe simulator over real sockets.
 */
import { Stripe } from 'stripe';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import type { GatewayHarness, Movement } from './payment-gateway-subject.ts';
import { describePaymentGateway } from './payment-gateway.case.ts';
import type { RecurringHarness } from './recurring-gateway-subject.ts';
import { describeRecurringGateway } from './recurring-gateway.case.ts';
import { isRecord, SECRET_KEY, SECRETS, startStripe, type Control } from './stripe-world.ts';

describePaymentGateway('stripe', startHarness);
describeRecurringGateway('stripe', startRecurringHarness);

async function startHarness(): Promise<GatewayHarness> {
  const world = await startStripe();
  const { config, receiver, control } = world;
  return {
    gateway: createStripeGateway(config),
    stranger: createStripeGateway({ ...config, secretKey: 'sk_test_stranger' }),
    methods: {
      approved: 'pm_card_visa',
      challenged: 'pm_card_authenticationRequired',
      unknown: 'pm_of_nobody',
    },
    declines: DECLINES,
    unknownRef: 'pi_of_nobody',
    nowMs: () => Date.now(),
    deliveredEvent: (ref) => receiver.first(ref),
    sign: signEvent,
    close: () => world.close(),
    ...controlledBy(control),
  };
}

async function startRecurringHarness(): Promise<RecurringHarness> {
  const harness = await startHarness();
  const { recurring } = harness.gateway;
  if (recurring === null) throw new Error('Stripe keeps methods');
  return {
    ...harness,
    recurring,
    cards: {
      approved: 'pm_card_visa',
      challengedOnce: 'pm_card_authenticationRequiredOnSetup',
      challengedAlways: 'pm_card_authenticationRequired',
      chargedInVain: 'pm_card_chargeCustomerFail',
      lost: 'pm_card_visa_chargeDeclinedLostCard',
    },
    ids: { charge: /^pi_/, setup: /^seti_/, customer: /^cus_/, method: /^pm_(?!card_)/ },
    unknownCustomer: 'cus_of_nobody',
    unknownSetup: 'seti_of_nobody',
  };
}

/** One for each class; the advice of the issuer decides, so an expired card is never tried again. */
const DECLINES: GatewayHarness['declines'] = [
  { method: 'pm_card_visa_chargeDeclined', code: 'generic_decline', retry: 'later' },
  {
    method: 'pm_card_visa_chargeDeclinedInsufficientFunds',
    code: 'insufficient_funds',
    retry: 'later',
  },
  { method: 'pm_card_visa_chargeDeclinedLostCard', code: 'lost_card', retry: 'never' },
  { method: 'pm_card_visa_chargeDeclinedStolenCard', code: 'stolen_card', retry: 'never' },
  { method: 'pm_card_chargeDeclinedExpiredCard', code: 'expired_card', retry: 'never' },
  { method: 'pm_card_chargeDeclinedIncorrectCvc', code: 'incorrect_cvc', retry: 'payer' },
  { method: 'pm_card_chargeDeclinedProcessingError', code: 'processing_error', retry: 'later' },
];

type Hands =
  | 'setFault'
  | 'clearFaults'
  | 'actAsPayer'
  | 'advanceSeconds'
  | 'movements'
  | 'countCalls';

function controlledBy(control: Control): Pick<GatewayHarness, Hands> {
  return {
    setFault: (operation, fault) => control.setFault(operation, fault),
    clearFaults: () => control.send('DELETE', 'faults'),
    actAsPayer: (ref, action) => control.send('POST', `payers/stripe/${ref}`, { action }),
    advanceSeconds: (advanceSeconds) => control.send('POST', 'clock', { advanceSeconds }),
    movements: async (ref) => {
      const rows = await control.rows('books');
      return rows.filter((row) => row['id'] === ref || row['of'] === ref).map(toMovement);
    },
    countCalls: async (key) => {
      const calls = await control.rows('requests?processor=stripe');
      return calls.filter(
        (call) => isRecord(call['headers']) && call['headers']['idempotency-key'] === key,
      ).length;
    },
  };
}

async function signEvent(request: Parameters<GatewayHarness['sign']>[0]): Promise<Headers> {
  const header = await new Stripe(SECRET_KEY).webhooks.generateTestHeaderStringAsync({
    payload: request.body,
    secret: SECRETS[request.secret],
    timestamp: Math.floor(request.atMs / 1_000),
    cryptoProvider: Stripe.createSubtleCryptoProvider(),
  });
  return new Headers({ 'stripe-signature': header });
}

function toMovement(row: Record<string, unknown>): Movement {
  return {
    kind: String(row['kind']),
    amount: Number(row['amount']),
    status: String(row['status']),
    metadata: row['metadata'],
  };
}
