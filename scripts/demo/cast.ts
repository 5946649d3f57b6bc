/** Who plays in the story, and how its steps are told. */
import type { DEMO_ACCOUNTS } from '../seed.ts';
import type { Client } from './client.ts';

export interface StoryPlace {
  readonly platformUrl: string;
  readonly simulatorsUrl: string;
}

/** Tells one step: a title, and a function that does it and answers the facts worth showing. */
export type Teller = <T>(title: string, act: () => Promise<readonly [T, string]>) => Promise<T>;

export interface Cast {
  readonly platform: Client;
  readonly simulators: Client;
  readonly tell: Teller;
  readonly tokens: Readonly<Record<keyof typeof DEMO_ACCOUNTS | 'rival', string>>;
}
