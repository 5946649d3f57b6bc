/** Ids: what a genuine one looks like, and that no other text passes for it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeIdChars,
  ID_ALPHABET,
  isShardKey,
  parseId,
  REGION_ID_KINDS,
  regionLetter,
  regionOf,
  SHARD_ID_KINDS,
} from '../../src/domain/ids.ts';

const SHARD = 'gabcdefgh';
const RANDOM = '0123456789abcdefghjk';
const CHECK = 'mnpqrstvwx';

describe('ids', () => {
  test.each(SHARD_ID_KINDS)('%s carries its shard', (kind) => {
    expect(parseId(kind, `${kind}_${SHARD}${RANDOM}${CHECK}`)).toEqual({
      kind,
      locator: SHARD,
      signed: `${kind}_${SHARD}${RANDOM}`,
      check: CHECK,
    });
    expect(parseId(kind, `${kind}_g${RANDOM}${CHECK}`)).toBeNull();
  });

  test.each(REGION_ID_KINDS)('%s carries its region', (kind) => {
    expect(parseId(kind, `${kind}_e${RANDOM}${CHECK}`)).toEqual({
      kind,
      locator: 'e',
      signed: `${kind}_e${RANDOM}`,
      check: CHECK,
    });
    expect(parseId(kind, `${kind}_${SHARD}${RANDOM}${CHECK}`)).toBeNull();
  });

  test.each([
    ['another kind', `hld_${SHARD}${RANDOM}${CHECK}`],
    ['no prefix', `${SHARD}${RANDOM}${CHECK}`],
    ['upper case', `slt_${SHARD}${RANDOM.toUpperCase()}${CHECK}`],
    ['a letter outside the alphabet', `slt_${SHARD}${'u'.repeat(20)}${CHECK}`],
    ['another region', `slt_xabcdefgh${RANDOM}${CHECK}`],
    ['a character less', `slt_${SHARD}${RANDOM}${CHECK.slice(1)}`],
    ['a character more', `slt_${SHARD}${RANDOM}${CHECK}0`],
    ['a line break at the end', `slt_${SHARD}${RANDOM}${CHECK}\n`],
    ['a blank before', ` slt_${SHARD}${RANDOM}${CHECK}`],
    ['nothing', ''],
    ['the prefix alone', 'slt_'],
  ])('a slot id with %s is none', (_, text) => {
    expect(parseId('slt', text)).toBeNull();
  });

  test('no text whatever makes the parser throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseId('bkg', `bkg_${text}`)?.kind ?? 'bkg').toBe('bkg');
      }),
    );
  });

  test('bytes become characters of the alphabet alone, one each, all of them used', () => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const text = encodeIdChars(everyByte);
    expect(text).toHaveLength(256);
    for (const character of ID_ALPHABET) expect(text.split(character)).toHaveLength(9);
  });

  test('a shard key names its region', () => {
    expect(isShardKey(SHARD)).toBe(true);
    expect(isShardKey('eabcdefgh')).toBe(true);
    expect(isShardKey('xabcdefgh')).toBe(false);
    expect(isShardKey('gabcdefg')).toBe(false);
    expect(isShardKey(`${SHARD}0`)).toBe(false);
    expect([regionOf('eabcdefgh'), regionOf(SHARD)]).toEqual(['eu', 'global']);
    expect([regionLetter('eu'), regionLetter('global')]).toEqual(['e', 'g']);
  });
});
