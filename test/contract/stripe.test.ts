/**
 * The payment contract, run by the shipping Stripe adapter against the Stripe simulator over real sockets.
 */
import { Stripe } from 'stripe';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import type { GatewayHarness } from './payment-gateway-subject.ts';
import { describePaymentGateway } from './payment-gateway.case.ts';
import type { RecurringHarness } from './recurring-gateway-subject.ts';
import { describeRecurringGateway } from './recurring-gateway.case.ts';
import { handsOn } from './simulated.ts';
import { SECRET_KEY, SECRETS, startStripe } from './stripe-world.ts';

describePaymentGateway('stripe', startHarness);
describeRecurringGateway('stripe', startRecurringHarness);

async function startHarness(): Promise<GatewayHarness> {
  const world = await startStripe();
  const { config, events, control } = world;
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
    deliveredEvent: (ref) => events.first(ref),
    sign: signEvent,
    close: () => world.close(),
    ...handsOn(control),
    actAsPayer: (ref, action) => control.act(ref, { action }),
    countCalls: (key) => control.countCallsWith('idempotency-key', key),
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

async function signEvent(request: Parameters<GatewayHarness['sign']>[0]): Promise<Headers> {
  const header = await new Stripe(SECRET_KEY).webhooks.generateTestHeaderStringAsync({
    payload: request.body,
    secret: SECRETS[request.secret],
    timestamp: Math.floor(request.atMs / 1_000),
    cryptoProvider: Stripe.createSubtleCryptoProvider(),
  });
  return new Headers({ 'stripe-signature': header });
}
