/**
 * What a payer can do, for every processor alike: look at what is to be paid, and act on it.
 * Owns the contract between the payer's page, the control route and the processors' folders.
 */
import { ControlRefusal } from './problem.ts';

/** What a payer does, as the control route names it. */
export const PAYER_ACTIONS = [
  'approve',
  'decline',
  'authenticate',
  'fail',
  'pay',
  'confirm',
  'claim',
  'dispute',
] as const;
/** One of PAYER_ACTIONS. */
export type PayerActionName = (typeof PAYER_ACTIONS)[number];

/** A payer's act. `amountMinor` is for processors that are paid by pushing money. */
export interface PayerAction {
  readonly action: PayerActionName;
  readonly amountMinor: number | null;
  readonly paymentMethod: string | null;
}

/** One thing the payer can do on the page; with an amount it is done for that many minor units. */
export interface PayerButton {
  readonly action: PayerActionName;
  readonly label: string;
  readonly amountMinor?: number;
}

/** What the page shows. */
export interface PayerView {
  readonly id: string;
  readonly title: string;
  readonly amountMinor: number | null;
  readonly currency: string | null;
  readonly status: string;
  readonly note: string | null;
  readonly actions: readonly PayerButton[];
  /** Test payment methods to choose from; empty when none is asked for. */
  readonly methods: readonly string[];
  readonly returnUrl: string | null;
}

/** What came of an act. `returnUrl` is where the payer goes now, with the outcome appended. */
export interface PayerOutcome {
  readonly id: string;
  readonly status: string;
  readonly object: object;
  readonly returnUrl: string | null;
}

/** One processor's side of it. */
export interface PayerDesk {
  /** The view, or null when the processor has no such object. */
  view(id: string): PayerView | null;
  /** Acts durably. Errors: ControlRefusal 404, 409, 422. */
  act(id: string, action: PayerAction): Promise<PayerOutcome>;
}

/** Desks by processor name. */
export type PayerDesks = ReadonlyMap<string, PayerDesk>;

/** The desk of a processor. Errors: ControlRefusal 404. */
export function findDesk(desks: PayerDesks, processor: string): PayerDesk {
  const desk = desks.get(processor);
  if (desk) return desk;
  throw new ControlRefusal(404, 'not_found', `There is no processor ${processor} here.`);
}
