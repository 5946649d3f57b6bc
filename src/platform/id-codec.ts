/**
 * Mints ids and tells genuine ones from forged by a keyed check, without naming any object.
 * Must stay synchronous: the inventory shard mints inside its transaction.
 */
import type { Entropy, IdCodec } from '../application/ports.ts';
import { invariant } from '../domain/assert.ts';
import {
  ID_CHECK_LENGTH,
  ID_RANDOM_LENGTH,
  encodeIdChars,
  isShardKey,
  parseId,
  regionLetter,
  type IdKind,
} from '../domain/ids.ts';
import { isSameText, keyedDigest } from './digest.ts';

/** Characters of a shard key after the region's letter. */
const SHARD_KEY_RANDOM_LENGTH = 8;

/** The codec under one secret. Changing the secret makes every id ever given out unknown. */
export function createIdCodec(secret: string, entropy: Entropy): IdCodec {
  const checkOf = keyedDigest(secret, 'id-check');
  const randomOf = keyedDigest(secret, 'id-seed');

  const check = (signed: string): string =>
    encodeIdChars(checkOf(signed).subarray(0, ID_CHECK_LENGTH));
  const build = (kind: IdKind, locator: string, random: Uint8Array): string => {
    const signed = `${kind}_${locator}${encodeIdChars(random)}`;
    return signed + check(signed);
  };
  const fresh = (): Uint8Array => entropy.bytes(ID_RANDOM_LENGTH);
  const derived = (scope: string, seed: string): Uint8Array =>
    randomOf(JSON.stringify([scope, seed])).subarray(0, ID_RANDOM_LENGTH);

  return {
    mintInShard: (kind, shardKey) => build(kind, inShard(shardKey), fresh()),
    mintInRegion: (kind, region) => build(kind, regionLetter(region), fresh()),
    deriveInShard: (kind, shardKey, seed) =>
      build(kind, inShard(shardKey), derived(`${kind}/${shardKey}`, seed)),
    deriveInRegion: (kind, region, seed) =>
      build(kind, regionLetter(region), derived(`${kind}/${region}`, seed)),
    deriveShardKey: (region, seed) =>
      regionLetter(region) +
      encodeIdChars(derived(`shard/${region}`, seed).subarray(0, SHARD_KEY_RANDOM_LENGTH)),
    open: (kind, text) => {
      const parts = parseId(kind, text);
      if (parts === null) return null;
      return isSameText(parts.check, check(parts.signed)) ? parts : null;
    },
  };
}

function inShard(shardKey: string): string {
  invariant(isShardKey(shardKey), 'an id of a shard needs a shard key');
  return shardKey;
}
