/** The hash chain: what was written verifies, and whatever is changed afterwards shows at the first row it touched. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { required } from '../../src/domain/assert.ts';
import {
  CHAIN_START,
  chainHash,
  GENESIS_HASH,
  verifyChain,
  type ChainBody,
  type ChainLink,
} from '../../src/domain/chain.ts';
import { systemDigest } from '../../src/platform/digest.ts';

function body(seq: number): ChainBody {
  return {
    seq,
    id: `evt_${seq}`,
    entityId: 'bkg_1',
    parentId: null,
    type: 'booking.confirmed',
    from: 'confirming',
    to: 'confirmed',
    actor: 'processor:stripe',
    reason: null,
    metadata: { captured: 2_500, late: false },
    atMs: 1_000 + seq,
  };
}

function chainOf(length: number): ChainLink[] {
  const links: ChainLink[] = [];
  for (let seq = 1; seq <= length; seq++) {
    const previousHash = links.at(-1)?.hash ?? GENESIS_HASH;
    links.push({
      ...body(seq),
      previousHash,
      hash: chainHash(systemDigest, previousHash, body(seq)),
    });
  }
  return links;
}

function linkAt(links: readonly ChainLink[], index: number): ChainLink {
  return required(links[index], 'a link');
}

function verify(links: readonly ChainLink[]) {
  let state = CHAIN_START;
  for (const link of links) state = verifyChain(systemDigest, state, link);
  return state;
}

describe('the chain', () => {
  test('an untouched chain verifies to its head', () => {
    const links = chainOf(5);
    expect(verify(links)).toEqual({ rows: 5, head: links[4]?.hash, firstBad: null });
    expect(verify([])).toEqual(CHAIN_START);
  });

  test('the order of members does not change a hash, and members that are not hashed do not either', () => {
    const plain = chainHash(systemDigest, GENESIS_HASH, body(1));
    const reversed = Object.fromEntries(
      Object.entries(body(1)).toReversed(),
    ) as unknown as ChainBody;
    expect(chainHash(systemDigest, GENESIS_HASH, reversed)).toBe(plain);
    const more = { ...body(1), note: 'not part of it' };
    expect(chainHash(systemDigest, GENESIS_HASH, more)).toBe(plain);
  });

  test.each(Object.keys(body(1)) as (keyof ChainBody)[])('a changed %s shows', (member) => {
    const links = chainOf(4);
    const third = linkAt(links, 2);
    const value = { seq: 7, atMs: 1, metadata: { captured: 2_501, late: false } }[member as string];
    links[2] = { ...third, [member]: value ?? 'changed' };
    expect(verify(links).firstBad).toBe(3);
  });

  test('a deletion, a swap, a repetition and a forged link show at the first row they touch', () => {
    const property = fc.property(
      fc.integer({ min: 2, max: 9 }),
      fc.nat(),
      fc.constantFrom('delete', 'swap', 'repeat', 'forge'),
      (length, pick, kind) => {
        const links = chainOf(length);
        const at = pick % (length - 1);
        const [one, two] = [linkAt(links, at), linkAt(links, at + 1)];
        if (kind === 'delete') links.splice(at, 1);
        if (kind === 'swap') links.splice(at, 2, two, one);
        if (kind === 'repeat') links.splice(at, 0, one);
        if (kind === 'forge') links.splice(at, 1, { ...one, hash: two.hash });
        const expected = kind === 'repeat' ? at + 1 : one.seq;
        expect(verify(links).firstBad).toBe(expected);
      },
    );
    fc.assert(property);
  });

  test('once a link is bad, no later link makes it good again', () => {
    const links = chainOf(6);
    links[1] = { ...linkAt(links, 1), actor: 'somebody' };
    expect(verify(links)).toMatchObject({ rows: 6, firstBad: 2, head: links[0]?.hash });
  });
});
