/**
 * Onboarding: single-use links, and what the owner of an account does behind one. Owns when a link is good; what the
 * account becomes is in accounts.ts. Source: Stripe API reference, "Account Links".
 */
import type { PayerAction, PayerDesk, PayerOutcome, PayerView } from '../payers.ts';
import { ControlRefusal } from '../problem.ts';
import { makeCause, type Cause, type World } from '../world.ts';
import { planPayout } from './account-payouts.ts';
import { submitDetails, TEST_BANKS } from './accounts.ts';
import type { AccountLinkObject, AccountObject } from './connect-shapes.ts';
import {
  find,
  findKnown,
  findReferenced,
  insert,
  newId,
  now,
  payerUrl,
  save,
  type StripeContext,
} from './context.ts';
import { invalidRequest } from './errors.ts';
import type { Parameters, ParameterRules } from './parameters.ts';

/** How long a link may be followed, on the virtual clock; Stripe says only that it is minutes. */
const LINK_SECONDS = 300;

/** Parameters of POST /v1/account_links. */
export const ACCOUNT_LINK_RULES: ParameterRules = {
  account: 'text',
  collect: 'unserved',
  collection_options: 'unserved',
  expand: 'texts',
  refresh_url: 'text',
  return_url: 'text',
  type: { oneOf: ['account_onboarding'] },
};

/** POST /v1/account_links. */
export function createAccountLink(ctx: StripeContext, parameters: Parameters): object {
  parameters.requiredText('type');
  const account = findReferenced(ctx, 'account', parameters.requiredText('account'));
  const id = newId(ctx, 'alink');
  const link: AccountLinkObject = {
    id,
    object: 'account_link',
    account: account.id,
    created: now(ctx),
    expires_at: now(ctx) + LINK_SECONDS,
    is_used: false,
    refresh_url: webAddress(parameters, 'refresh_url'),
    return_url: webAddress(parameters, 'return_url'),
    url: payerUrl(ctx, id),
  };
  const expiresVirtualSeconds = ctx.world.clock.virtualSeconds() + LINK_SECONDS;
  insert(ctx, link, { parentId: account.id, secrets: { expiresVirtualSeconds } });
  const { object, created, expires_at, url } = link;
  return { object, created, expires_at, url };
}

/** True for what the onboarding desk serves: a link, or an account by the control route. */
export function isOnboarding(id: string): boolean {
  return id.startsWith('alink_') || id.startsWith('acct_');
}

/** The owner of an account at Stripe's pages: the same page and control route that payers use. */
export class OnboardingDesk implements PayerDesk {
  readonly #world: World;
  readonly #makeContext: (cause: Cause) => StripeContext;

  constructor(world: World, makeContext: (cause: Cause) => StripeContext) {
    this.#world = world;
    this.#makeContext = makeContext;
  }

  view(id: string): PayerView | null {
    const ctx = this.#makeContext(makeCause());
    const visit = findVisit(ctx, id);
    if (!visit) return null;
    const isGood = visit.link === null || isUsable(ctx, visit.link);
    const back = isGood ? visit.link?.return_url : visit.link?.refresh_url;
    return {
      id,
      title: 'Set up payouts',
      amountMinor: null,
      currency: null,
      status: standing(visit.account),
      note: isGood ? NOTE : 'This link was used or has expired. Go back to get a new one.',
      actions: isGood ? ACTIONS : [],
      methods: isGood ? [...TEST_BANKS.keys()] : [],
      returnUrl: back ?? null,
    };
  }

  async act(id: string, action: PayerAction): Promise<PayerOutcome> {
    const cause = makeCause();
    const ctx = this.#makeContext(cause);
    if (!findVisit(ctx, id)) {
      throw new ControlRefusal(404, 'not_found', `There is no account or link ${id}.`);
    }
    const visit = this.#world.store.apply(() => perform(ctx, id, action));
    await this.#world.store.durable();
    this.#world.releaseEvents(cause);
    const { account, link } = visit;
    return {
      id,
      status: standing(account),
      object: account,
      returnUrl: link?.return_url ?? null,
    };
  }
}

interface Visit {
  readonly account: AccountObject;
  /** Null for a visit without a link, which the control route alone can make. */
  readonly link: AccountLinkObject | null;
}

const NOTE =
  'Born on 1901-01-01, number 000000000: choose the bank account and whether the identity is verified.';

const ACTIONS: PayerView['actions'] = [
  { action: 'approve', label: 'Submit, and be verified' },
  { action: 'fail', label: 'Submit, and be asked for a document' },
  { action: 'decline', label: 'Leave without submitting' },
];

function findVisit(ctx: StripeContext, id: string): Visit | null {
  const link = find(ctx, 'account_link', id);
  const account = find(ctx, 'account', link?.account ?? id);
  return account ? { account, link } : null;
}

function perform(ctx: StripeContext, id: string, { action, paymentMethod }: PayerAction): Visit {
  const link = find(ctx, 'account_link', id);
  const account = findKnown(ctx, 'account', link?.account ?? id);
  if (link && !isUsable(ctx, link)) {
    const message = 'This link was used or has expired.';
    throw new ControlRefusal(409, 'invalid_state', message);
  }
  if (action !== 'decline') {
    const bankNumber = paymentMethod ?? [...TEST_BANKS.keys()][0] ?? '';
    if (!TEST_BANKS.has(bankNumber)) {
      const message = `paymentMethod must be one of ${[...TEST_BANKS.keys()].join(', ')}.`;
      throw new ControlRefusal(422, 'validation_failed', message);
    }
    submitDetails(ctx, account, { bankNumber, isVerified: action !== 'fail' });
    // What came back from a bank that refused it goes to the new one.
    planPayout(ctx, account.id);
  }
  if (link) {
    link.is_used = true;
    save(ctx, link);
  }
  return { account, link };
}

function isUsable(ctx: StripeContext, link: AccountLinkObject): boolean {
  const expires = Number(ctx.world.objects.secrets(link.id)['expiresVirtualSeconds']);
  return !link.is_used && ctx.world.clock.virtualSeconds() < expires;
}

function standing(account: AccountObject): string {
  if (account.payouts_enabled) return 'enabled';
  return account.details_submitted ? 'restricted' : 'incomplete';
}

function webAddress(parameters: Parameters, name: 'refresh_url' | 'return_url'): string {
  const text = parameters.requiredText(name);
  if (/^https?:\/\/\S+$/.test(text)) return text;
  throw invalidRequest('Not a valid URL', name);
}
