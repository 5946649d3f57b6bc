/**
 * Setting a provider up in one call: everything is checked, then made step by step, and each step is recorded when it is done.
 * A call that dies is taken up by the same call again at the step that it had come to. Nothing is rolled back: what was made
 * can be undone as a whole (`undo-provisioning.ts`). Called by the provisioning routes.
 */
import type { CallKey, Caller } from '../../contracts/calls.ts';
import type { ProvisionBody } from '../../contracts/http/provisioning.ts';
import { TRANSIENT_CODES } from '../../domain/codes.ts';
import { regionOf } from '../../domain/ids.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import { notFound, regionId } from '../catalogue-deps.ts';
import { openPayoutAccount, type Onboarding } from '../payouts/payout-account.ts';
import { checkProvision } from './check-provision.ts';
import { askerOf, PROVIDER_STEP, stepsOf } from './provision-steps.ts';
import type {
  Made,
  Provisioning,
  ProvisioningDeps,
  ProvisioningStore,
} from './provisioning-ports.ts';
import { closeProvider, mayUndo } from './undo-provisioning.ts';

export interface ProvisionCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly body: ProvisionBody;
  /** Where the payout account's page leads back to, unless the body says it. */
  readonly backUrl: string;
}

/** What was made, and where its provider goes on to be paid out. */
export interface Provisioned {
  readonly provisioning: Provisioning;
  readonly onboarding: Onboarding | null;
  /** Why the processor opened no account, for good. */
  readonly payoutRefusal: Refusal | null;
}

/**
 * Makes what is not made yet. Refusals: `validation_failed` with every fault and `processor_not_supported`, before anything
 * is made; `idempotency_key_reused`; `invalid_transition` where it was undone; `overloaded` and `processor_unavailable`, after
 * which the same call goes on.
 */
export async function provisionProvider(
  deps: ProvisioningDeps,
  command: ProvisionCommand,
): Promise<Result<Provisioned>> {
  const { caller, call, body } = command;
  const region = body.provider.dataRegion ?? 'global';
  const store = deps.provisionings(region);
  const id = regionId(deps, { caller, call }, { kind: 'pvn', region });
  const known = await store.byId(id);
  if (known === null) {
    const checked = await checkProvision(deps, body);
    if (!checked.ok) return checked;
  }
  const nowMs = deps.clock.nowMs();
  const asProvider = askerOf({ caller, call }, PROVIDER_STEP);
  const begun = await store.begin({
    id,
    callerId: caller.id,
    fingerprint: call.fingerprint,
    providerId: regionId(deps, asProvider, { kind: 'prv', region }),
    state: 'making',
    made: {},
    touchedAtMs: nowMs,
    createdAtMs: nowMs,
  });
  if (begun.fingerprint !== call.fingerprint)
    return refuse('idempotency_key_reused', 'The key was used for another request.');
  const made =
    begun.state === 'making' ? await makeRest(deps, store, { command, begun }) : ok(begun);
  if (!made.ok) return made;
  if (made.value.state !== 'done') return wasUndone();
  return withAccount(deps, command, made.value);
}

/** Reads a provisioning. Refusals: `not_found`, for everybody but who asked for it, the provider's owner and operators. */
export async function readProvisioning(
  deps: ProvisioningDeps,
  caller: Caller,
  id: string,
): Promise<Result<Provisioning>> {
  const parts = deps.ids.open('pvn', id);
  if (parts === null) return notFound('provisioning');
  const record = await deps.provisionings(regionOf(parts.locator)).byId(id);
  if (record === null || !(await mayUndo(deps, caller, record))) return notFound('provisioning');
  return ok(record);
}

async function makeRest(
  deps: ProvisioningDeps,
  store: ProvisioningStore,
  { command, begun }: { readonly command: ProvisionCommand; readonly begun: Provisioning },
): Promise<Result<Provisioning>> {
  const { caller, call, body } = command;
  const steps = stepsOf(body);
  let made: Made = begun.made;
  for (const [index, step] of steps.entries()) {
    const { name } = step;
    const id = made[name];
    if (id !== undefined) continue;
    const done = await step.make(deps, askerOf({ caller, call }, name), made);
    if (!done.ok) return done;
    made = { ...made, [name]: done.value };
    const isAll = index === steps.length - 1;
    const nowMs = deps.clock.nowMs();
    if (!(await store.saveMade(begun.id, { made, isAll, nowMs })))
      return overtaken(deps, store, { caller, begun });
  }
  return ok({ ...begun, made, state: 'done' });
}

/**
 * Somebody else has finished it under the same key, or undone it: then the step that was under way when it was undone is
 * undone too.
 */
async function overtaken(
  deps: ProvisioningDeps,
  store: ProvisioningStore,
  { caller, begun }: { readonly caller: Caller; readonly begun: Provisioning },
): Promise<Result<Provisioning>> {
  const now = await store.byId(begun.id);
  if (now?.state === 'done') return ok(now);
  await closeProvider(deps, caller, begun.providerId);
  return wasUndone();
}

/** The account comes last and for every answer anew: its page can be used once. What the processor refuses for good is told. */
async function withAccount(
  deps: ProvisioningDeps,
  { caller, body, backUrl }: ProvisionCommand,
  provisioning: Provisioning,
): Promise<Result<Provisioned>> {
  const { payoutAccount } = body;
  if (payoutAccount === undefined)
    return ok({ provisioning, onboarding: null, payoutRefusal: null });
  const { country, returnUrl = backUrl, refreshUrl = backUrl } = payoutAccount;
  const { providerId } = provisioning;
  const wanted = { providerId, country, returnUrl, refreshUrl };
  const opened = await openPayoutAccount(deps.payouts, caller, wanted);
  if (opened.ok) return ok({ provisioning, onboarding: opened.value, payoutRefusal: null });
  if (TRANSIENT_CODES.has(opened.refusal.code)) return opened;
  return ok({ provisioning, onboarding: null, payoutRefusal: opened.refusal });
}

function wasUndone() {
  return refuse('invalid_transition', 'What was made under this key was undone.');
}
