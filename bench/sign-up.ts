/**
 * `npm run bench:sign-up`: how long a whole sign-up by card takes, against `npm start` with its simulator of the processor.
 * One after the other, so that the time the processor took for its part of each is known and can be taken off: what is
 * left is our own. Members sign up, cancel at once and sign up again; only the sign-ups are timed.
 */
import { call, expectStatus, line, withPlatform } from './platform.ts';

const MEMBERS = 40;
const ROUNDS = 8;
/** Sign-ups of the first round compile the code; they are not counted. */
const WARM_ROUNDS = 1;
const PASSWORD = 'bench-sign-up';

async function makeMembers(base: string): Promise<string[]> {
  const tokens: string[] = [];
  for (let n = 0; n < MEMBERS; n += 1) {
    const body = { email: `member-${n}@bench.test`, password: PASSWORD };
    const made = await call(`${base}/v1/auth/register`, { method: 'POST', body });
    tokens.push(String(expectStatus(made, 201)['accessToken']));
  }
  return tokens;
}

interface Place {
  readonly base: string;
  readonly simulators: string;
  readonly planId: string;
}

interface Sample {
  readonly totalMs: number;
  readonly ownMs: number;
}

/** How long the processor has worked on our calls since an instant, in milliseconds. */
async function processorMs(simulators: string, since: string): Promise<number> {
  const log = await call(`${simulators}/control/requests?processor=stripe`, { method: 'GET' });
  const rows = log.json['data'] as { at: string; method: string; tookMs: number | null }[];
  return rows
    .filter(({ at, method }) => at >= since && method === 'POST')
    .reduce((sum, { tookMs }) => sum + (tookMs ?? 0), 0);
}

async function signUpOnce(place: Place, token: string): Promise<Sample> {
  const { base, simulators, planId } = place;
  const since = new Date().toISOString();
  const body = { planId, payment: { processor: 'stripe', paymentMethod: 'pm_card_visa' } };
  const startedAtMs = performance.now();
  const made = await call(`${base}/v1/subscriptions`, { method: 'POST', token, body });
  const totalMs = performance.now() - startedAtMs;
  const ownMs = totalMs - (await processorMs(simulators, since));
  const { id, status } = expectStatus(made, 201);
  if (status !== 'active') throw new Error(`a sign-up came to ${String(status)}`);
  const cancel = await call(`${base}/v1/subscriptions/${String(id)}/cancel`, {
    method: 'POST',
    token,
    body: { atPeriodEnd: false },
  });
  expectStatus(cancel, 200);
  return { totalMs, ownMs };
}

async function measure(base: string, simulators: string): Promise<Sample[]> {
  const plans = expectStatus(await call(`${base}/v1/plans`, { method: 'GET' }), 200);
  const [plan] = plans['data'] as { id: string }[];
  if (plan === undefined) throw new Error('No plan is on sale.');
  const tokens = await makeMembers(base);
  const samples: Sample[] = [];
  for (let round = 0; round < ROUNDS + WARM_ROUNDS; round += 1) {
    for (const token of tokens) {
      const sample = await signUpOnce({ base, simulators, planId: plan.id }, token);
      if (round >= WARM_ROUNDS) samples.push(sample);
    }
  }
  return samples;
}

await withPlatform(async ({ base, simulators }) => {
  const samples = await measure(base, simulators);
  console.log(`${samples.length} sign-ups by card, one after the other`);
  console.log(
    line(
      'with the processor',
      samples.map(({ totalMs }) => totalMs),
    ),
  );
  console.log(
    line(
      "without the processor's time",
      samples.map(({ ownMs }) => ownMs),
    ),
  );
});
