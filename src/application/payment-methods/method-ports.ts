/** What saved methods need of storage, and what every use case of them runs on. */
import type { ChainLink } from '../../domain/chain.ts';
import type { DataRegion } from '../../domain/ids.ts';
import type { Processor } from '../../domain/payment/processor-reply.ts';
import type { SavedMethod } from '../../domain/payment/saved-method.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { Clock, Digest, GatewayRegistry, IdCodec, Logger } from '../ports.ts';

/** A write of a method: the next version of it with the links that lead there, or nothing. */
export interface MethodChange {
  readonly method: SavedMethod;
  readonly events: readonly ChainLink[];
}

/** The saved methods of one data region. */
export interface PaymentMethodStore {
  byId(id: string): Promise<SavedMethod | null>;
  /** What a customer has and what waits for them, oldest first; bounded by the limit of each. */
  liveOf(userId: string): Promise<SavedMethod[]>;
  /** exists: this id, or this token of the customer. limit: the customer has as many as one may have. */
  insert(change: MethodChange): Promise<'done' | 'exists' | 'limit'>;
  /** conflict: somebody else wrote first; read again. in_use: a live subscription is paid with what was to go. */
  save(change: MethodChange): Promise<'done' | 'conflict' | 'in_use'>;
  /** Those to be looked at by the instant, or all that anybody waits for where it is null; by id. */
  due(query: {
    readonly dueUntilMs: EpochMs | null;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<SavedMethod[]>;
  /** Who a customer is at a processor; the same record as for their subscriptions. */
  customerOf(userId: string, processor: Processor): Promise<string | null>;
  /** Keeps it where there is none, and gives the one that stands. */
  keepCustomer(
    userId: string,
    customer: { readonly processor: Processor; readonly ref: string },
  ): Promise<string>;
}

export interface MethodDeps {
  readonly clock: Clock;
  readonly ids: IdCodec;
  readonly digest: Digest;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
  methods(region: DataRegion): PaymentMethodStore;
}
