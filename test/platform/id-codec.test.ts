/** A forged id is refused before any object is named; a derived id is the same for the same call, and for no other. */
import { describe, expect, it } from 'vitest';
import { ID_ALPHABET, REGION_ID_KINDS, SHARD_ID_KINDS } from '../../src/domain/ids.ts';
import { systemEntropy } from '../../src/platform/entropy.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';

const codec = createIdCodec('a secret of these tests, long enough', systemEntropy);
const other = createIdCodec('another secret, of somebody else, too', systemEntropy);
const SHARD = 'g0123456z';

describe('ids', () => {
  it('open as what they were minted as, and as nothing else', () => {
    for (const kind of SHARD_ID_KINDS) {
      const id = codec.mintInShard(kind, SHARD);
      expect(codec.open(kind, id)).toMatchObject({ kind, locator: SHARD });
      for (const wrong of [...SHARD_ID_KINDS, ...REGION_ID_KINDS].filter((k) => k !== kind)) {
        expect(codec.open(wrong, id)).toBeNull();
        expect(codec.open(wrong, id.replace(kind, wrong))).toBeNull();
      }
    }
    for (const kind of REGION_ID_KINDS) {
      expect(codec.open(kind, codec.mintInRegion(kind, 'eu'))).toMatchObject({ locator: 'e' });
    }
  });

  it('do not open with any one character changed', () => {
    const id = codec.mintInShard('hld', SHARD);
    for (let index = 4; index < id.length; index += 1) {
      for (const letter of ID_ALPHABET) {
        if (letter === id.charAt(index)) continue;
        expect(codec.open('hld', id.slice(0, index) + letter + id.slice(index + 1))).toBeNull();
      }
    }
  });

  it.each(['', 'hld_', 'hld', 'HLD_x', `hld_${'0'.repeat(39)}`, 'hld_\u0000', 'x'.repeat(10_000)])(
    'do not open as %j',
    (text) => expect(codec.open('hld', text)).toBeNull(),
  );

  it('of another secret do not open', () => {
    expect(codec.open('usr', other.mintInRegion('usr', 'global'))).toBeNull();
  });

  it('derive from a seed, apart for each kind, place and seed', () => {
    const derive = (kind: 'hld' | 'bkg', shard: string, seed: string) =>
      codec.deriveInShard(kind, shard, seed);
    const id = derive('hld', SHARD, 'a b');
    expect(derive('hld', SHARD, 'a b')).toBe(id);
    expect(codec.open('hld', id)).not.toBeNull();
    const others = [
      derive('bkg', SHARD, 'a b'),
      derive('hld', 'g0123456y', 'a b'),
      derive('hld', SHARD, 'ab'),
    ];
    for (const different of others) expect(randomOf(different)).not.toBe(randomOf(id));
  });

  it('are all different when minted', () => {
    const ids = Array.from({ length: 1_000 }, () => codec.mintInShard('slt', SHARD));
    expect(new Set(ids).size).toBe(1_000);
  });

  it('name shards in their region', () => {
    expect(codec.deriveShardKey('eu', 'seed')).toMatch(/^e[0-9a-z]{8}$/);
    expect(codec.deriveShardKey('global', 'seed')).toBe(codec.deriveShardKey('global', 'seed'));
    expect(() => codec.mintInShard('slt', 'nowhere')).toThrow(/shard key/);
  });
});

/** The random part of an id of a shard. */
function randomOf(id: string): string {
  return id.slice(13, 33);
}
