/**
 * Which processors this deployment can take money through. Built once per isolate by the composition root;
 * a processor that is not configured does not exist here, and its callers answer `processor_not_supported`.
 */
import type { GatewayRegistry, PaymentGateway } from '../application/ports.ts';
import { invariant } from '../domain/assert.ts';
import { createStripeGateway, type StripeGatewayConfig } from './stripe/gateway.ts';

/** One entry per processor; null for one without credentials. */
export interface GatewaySettings {
  readonly stripe: StripeGatewayConfig | null;
  /** Gateways that are built elsewhere. */
  readonly others?: readonly PaymentGateway[];
}

/**
 * The registry, in the order of the settings.
 * Errors: two gateways for one processor are a broken invariant.
 */
export function createGatewayRegistry(settings: GatewaySettings): GatewayRegistry {
  const gateways = [
    ...(settings.stripe === null ? [] : [createStripeGateway(settings.stripe)]),
    ...(settings.others ?? []),
  ];
  const byProcessor = new Map<string, PaymentGateway>(
    gateways.map((gateway) => [gateway.processor, gateway]),
  );
  invariant(byProcessor.size === gateways.length, 'one gateway per processor');
  return {
    get: (processor) => byProcessor.get(processor) ?? null,
    all: () => gateways,
  };
}
