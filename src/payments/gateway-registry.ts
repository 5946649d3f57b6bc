/**
 * Which processors this deployment can take money through. Built once per isolate by the composition root;
 * a processor that is not configured does not exist here, and its callers answer `processor_not_supported`.
 */
import type { GatewayRegistry, PaymentGateway } from '../application/ports.ts';
import { invariant } from '../domain/assert.ts';
import { createBtcpayGateway, type BtcpayGatewayConfig } from './btcpay/gateway.ts';
import { createPaypalGateway, type PaypalGatewayConfig } from './paypal/gateway.ts';
import { createStripeGateway, type StripeGatewayConfig } from './stripe/gateway.ts';

/** What is needed of the deployment's settings; null, or nothing, for a processor without credentials. */
export interface GatewaySettings {
  /** Origin of the platform; a payer who named no page of their own returns to its front page. */
  readonly publicUrl: string;
  readonly stripe: Omit<StripeGatewayConfig, 'returnUrl'> | null;
  readonly paypal?: Omit<PaypalGatewayConfig, 'returnUrl'> | null;
  readonly btcpay?: Omit<BtcpayGatewayConfig, 'returnUrl'> | null;
}

/**
 * The registry: the configured processors, then the gateways that are built elsewhere.
 * Errors: two gateways for one processor are a broken invariant.
 */
export function createGatewayRegistry(
  settings: GatewaySettings,
  others: readonly PaymentGateway[] = [],
): GatewayRegistry {
  const gateways = [...configured(settings), ...others];
  const byProcessor = new Map<string, PaymentGateway>(
    gateways.map((gateway) => [gateway.processor, gateway]),
  );
  invariant(byProcessor.size === gateways.length, 'one gateway per processor');
  return {
    get: (processor) => byProcessor.get(processor) ?? null,
    all: () => gateways,
  };
}

function configured({ publicUrl, stripe, paypal, btcpay }: GatewaySettings): PaymentGateway[] {
  const returnUrl = new URL('/', publicUrl).href;
  const gateways: PaymentGateway[] = [];
  if (stripe) gateways.push(createStripeGateway({ ...stripe, returnUrl }));
  if (paypal) gateways.push(createPaypalGateway({ ...paypal, returnUrl }));
  if (btcpay) gateways.push(createBtcpayGateway({ ...btcpay, returnUrl }));
  return gateways;
}
