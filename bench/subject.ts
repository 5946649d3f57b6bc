/** The product as the benchmark runs it: the production bundle, its shop open, requests ready. */
import type { BuiltWorker } from '../scripts/local/build-worker.ts';
import { makeKeys } from '../scripts/local/keys.ts';
import type { SigningKey } from '../src/platform/settings.ts';
import { openShop } from './prepare.ts';
import { startProduct } from './runtime/workerd.ts';
import type { ProductSetup, RunningWorkerd } from './runtime/workerd.ts';
import { requestsOf } from './workloads.ts';
import type { Workload } from './workloads.ts';

export const ISSUER = 'http://bench.local';
const CUSTOMERS = 200;

export interface SubjectPlan extends Pick<
  ProductSetup,
  'bundleFile' | 'hasConsumers' | 'inspectorPort'
> {
  readonly worker: BuiltWorker;
  readonly workload: Workload;
  readonly slotCount: number;
}

export interface Subject {
  readonly running: RunningWorkerd;
  /** The next requests of the workload; fewer than asked for when the slots run out. */
  readonly take: (count: number) => string[];
}

/** Starts the product and fills it. */
export async function openProduct(plan: SubjectPlan): Promise<Subject> {
  const { worker, workload, slotCount, ...setup } = plan;
  const keys = makeKeys();
  const running = await startProduct({ ...setup, ...runtimeOf(worker, keys) });
  try {
    const [signingKey] = JSON.parse(keys.TOKEN_SIGNING_KEYS) as [SigningKey];
    const shop = await openShop(running, {
      idSecret: keys.ID_SECRET,
      signingKey,
      issuer: ISSUER,
      migrations: worker.migrations,
      slotCount,
      customerCount: CUSTOMERS,
      priceMinor: workload.priceMinor,
      holder: workload.holder,
    });
    return { running, take: requestsOf(workload, shop) };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** What the bundle runs with: as configured, without limits that a load from one address would meet. */
export function runtimeOf(
  worker: BuiltWorker,
  keys: ReturnType<typeof makeKeys>,
): Pick<ProductSetup, 'compatibilityDate' | 'variables'> {
  return {
    compatibilityDate: String(worker.options.compatibilityDate),
    variables: {
      ...textVariables(worker),
      ...keys,
      ENVIRONMENT: 'local',
      PUBLIC_URL: ISSUER,
      // No processor is called by these workloads; the settings want an address beside the secrets.
      BTCPAY_API_URL: `${ISSUER}/btcpay`,
      RATE_LIMITS: 'off',
      HOLDS_PER_PRINCIPAL: '1000000',
      GUEST_HOLDS_PER_ADDRESS: '1000000',
    },
  };
}

function textVariables(worker: BuiltWorker): Record<string, string> {
  const { bindings } = worker.options as { bindings?: Record<string, unknown> };
  const entries = Object.entries(bindings ?? {});
  return Object.fromEntries(entries.flatMap(([k, v]) => (typeof v === 'string' ? [[k, v]] : [])));
}
