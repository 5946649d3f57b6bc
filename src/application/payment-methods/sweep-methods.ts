/**
 * Finishes what calls left open: methods that are to go and that the processor has not let go of, answers that were lost,
 * and methods whose payer never came. Called by the reconciliation.
 */
import { errorText } from '../../domain/assert.ts';
import { regionOfId } from '../../domain/ids.ts';
import type { SavedMethod } from '../../domain/payment/saved-method.ts';
import type { EpochMs } from '../../domain/time.ts';
import { advanceMethod, payerTimeEndMs } from './advance-method.ts';
import { moved, SWEEP_ACTOR } from './method-change.ts';
import type { MethodDeps, PaymentMethodStore } from './method-ports.ts';

/** Methods read at once. */
const PAGE_LENGTH = 100;

/** What a sweep came to. */
export interface SweepReport {
  readonly methodsLookedAt: number;
  readonly methodsFailed: number;
}

/** Looks at what is due; a run by hand at all that is open. One that cannot be swept keeps no other waiting. */
export async function sweepMethods(
  deps: MethodDeps,
  { byHand }: { readonly byHand: boolean },
): Promise<SweepReport> {
  const dueUntilMs = byHand ? null : deps.clock.nowMs();
  const report = { methodsLookedAt: 0, methodsFailed: 0 };
  for (const region of ['global', 'eu'] as const) {
    for await (const method of dueMethods(deps.methods(region), dueUntilMs)) {
      report.methodsLookedAt += 1;
      if (!(await sweepOne(deps, method))) report.methodsFailed += 1;
    }
  }
  return report;
}

async function* dueMethods(
  store: PaymentMethodStore,
  dueUntilMs: EpochMs | null,
): AsyncGenerator<SavedMethod> {
  let afterId = '';
  for (;;) {
    const page = await store.due({ dueUntilMs, afterId, limit: PAGE_LENGTH });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_LENGTH) return;
    afterId = last.id;
  }
}

async function sweepOne(deps: MethodDeps, { id }: SavedMethod): Promise<boolean> {
  try {
    const advanced = await advanceMethod(deps, { id, actor: SWEEP_ACTOR });
    if (advanced !== null) await giveUpIfLate(deps, advanced.method);
    return true;
  } catch (error) {
    deps.log.error('payment_method.sweep_failed', { entityId: id, reason: errorText(error) });
    return false;
  }
}

/** A payer who has not agreed in their time will not: what waits for them is ended at the processor too. */
async function giveUpIfLate(deps: MethodDeps, method: SavedMethod): Promise<void> {
  const nowMs = deps.clock.nowMs();
  if (method.state !== 'pending' || payerTimeEndMs(method) > nowMs) return;
  const store = deps.methods(regionOfId(method.id));
  const values = { action: null, fruitlessLooks: 0, dueAtMs: nowMs };
  const change = moved(deps, method, { event: 'remove', actor: SWEEP_ACTOR, values });
  if ((await store.save(change)) === 'done')
    await advanceMethod(deps, { id: method.id, actor: SWEEP_ACTOR });
}
