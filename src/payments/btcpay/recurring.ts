/**
 * Subscriptions paid through BTCPay: nobody can be charged without being there, so each period is an invoice that its
 * payer pays. Speaks the RecurringGateway port; nothing is kept at BTCPay about a member.
 */
import type { RecurringGateway } from '../../application/ports.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { answering } from './errors.ts';
import { nothingToDo, openInvoice, type BtcpayCalls } from './invoices.ts';

/** There is nothing to keep: a method that could be charged later does not exist. */
const NO_SETUPS: ProcessorReply = { kind: 'misconfigured', reason: 'setup_not_supported' };

const noSetup = async (): Promise<ProcessorReply> => NO_SETUPS;

/** BTCPay's part of the port. Errors: replies only, as the gateway's. */
export function createRecurringGateway(calls: BtcpayCalls): RecurringGateway {
  return {
    kind: 'each_period',
    takesTokens: false,
    // Our own id of the member: BTCPay knows no customers, and no call is made.
    openCustomer: async ({ memberId }) => ({ kind: 'customer', ref: memberId }),
    openCharge: (request) => answering(() => openInvoice(calls, request)),
    confirmCharge: ({ ref }) => answering(() => nothingToDo(calls, ref)),
    openSetup: noSetup,
    confirmSetup: noSetup,
    fetchSetup: noSetup,
    cancelSetup: noSetup,
    describeMethod: noSetup,
    detachMethod: noSetup,
  };
}
