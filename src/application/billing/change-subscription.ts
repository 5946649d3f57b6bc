/**
 * A command on a subscription: decided on what stands, written with the version that was read, and decided again when
 * somebody else was first. What it leaves to do (a charge, a void, a refund) is then done before the answer.
 */
import type { Caller } from '../../contracts/calls.ts';
import { required } from '../../domain/assert.ts';
import { regionOf } from '../../domain/ids.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { BillingAccount } from '../billing-ports.ts';
import { advanceAndRead } from './advance-subscription.ts';
import { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { mayManage, readStanding, type SubscriptionStanding } from './read-subscription.ts';
import { rememberPlans } from './remember-plans.ts';
import { saveDraft } from './save-draft.ts';

/** Writers that may be first before the command says that it is too busy. */
const ATTEMPTS_MAX = 10;

/** Who commands what, and what it does to a draft: null, or the refusal that leaves everything as it was. */
export interface SubscriptionCommand {
  readonly caller: Caller;
  readonly subscriptionId: string;
  readonly decide: (
    draft: BillingDraft,
    account: BillingAccount,
    terms: PlanTerms,
  ) => Promise<Refusal | null> | Refusal | null;
}

/** Runs a command. Refusals: not_found (also for somebody else's), those of the decision, overloaded. */
export async function changeSubscription(
  given: BillingDeps,
  command: SubscriptionCommand,
): Promise<Result<SubscriptionStanding>> {
  const deps = rememberPlans(given);
  const written = await writeCommand(deps, command);
  if (!written.ok) return written;
  const { subscriptionId } = command;
  const request = { subscriptionId, cause: 'request', look: false } as const;
  const { account } = await advanceAndRead(deps, request);
  const standing = await readStanding(deps, subscriptionId, account);
  return ok(required(standing, 'a subscription that was changed'));
}

/** Writes a command and leaves what follows to the caller. */
export async function writeCommand(
  deps: BillingDeps,
  { caller, subscriptionId, decide }: SubscriptionCommand,
): Promise<Result<BillingAccount>> {
  const parts = deps.ids.open('sub', subscriptionId);
  if (parts === null) return refuse('not_found', 'There is no such subscription.');
  const store = deps.billing(regionOf(parts.locator));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const account = await store.load(subscriptionId);
    if (account === null || !mayManage(caller, account.subscription))
      return refuse('not_found', 'There is no such subscription.');
    const { planId, planVersion } = account.subscription;
    const plan = required(
      await deps.plans.version(planId, planVersion),
      'a subscription is to a version of a plan',
    );
    const isOperator = account.subscription.userId !== caller.id;
    const actor = `${isOperator ? 'operator' : 'customer'}:${caller.id}`;
    const draft = new BillingDraft(deps, account, { actor, nowMs: deps.clock.nowMs() });
    const refusal = await decide(draft, account, plan.terms);
    if (refusal !== null) return { ok: false, refusal };
    // Whoever is at work finds the change at their next step; whoever died leaves nothing behind that is not due.
    draft.patch({ dueAtMs: draft.nowMs });
    const saved = await saveDraft(deps, store, { account, draft });
    if (saved !== null) return ok(saved);
  }
  return refuse('overloaded', 'The subscription is being changed by somebody else.', {
    retryAfterSeconds: 1,
  });
}

/** A command that the state of the subscription does not allow. */
export function notNow(draft: BillingDraft, what: string): Refusal {
  const { state } = draft.subscription;
  return {
    code: 'invalid_transition',
    detail: `A subscription that is ${state} cannot ${what}.`,
    extra: { status: state },
  };
}
