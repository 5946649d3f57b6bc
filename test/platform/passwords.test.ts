/** Hashes that a stolen database alone gives away nothing of, and whose check takes as long for nobody as for somebody. */
import { describe, expect, it } from 'vitest';
import { UNKNOWN_USER_HASH, hashPassword, verifyPassword } from '../../src/platform/passwords.ts';

const key = { pepper: 'a pepper of these tests' };
const salt = new Uint8Array(16).fill(7);

describe('passwords', () => {
  const hash = hashPassword('holdfast-demo', { ...key, salt });

  it('are PHC strings with the factors that OWASP names', () => {
    expect(hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(UNKNOWN_USER_HASH).toMatch(
      /^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    );
  });

  it('match themselves, and nothing else', () => {
    expect(verifyPassword('holdfast-demo', hash, key)).toBe(true);
    expect(verifyPassword('holdfast-dem0', hash, key)).toBe(false);
    expect(verifyPassword('holdfast-demo', hash, { pepper: 'another' })).toBe(false);
    expect(verifyPassword('holdfast-demo', UNKNOWN_USER_HASH, key)).toBe(false);
  });

  it('are the same however the letters were composed', () => {
    const composed = hashPassword('caf\u00e9-au-lait', { ...key, salt });
    expect(verifyPassword('cafe\u0301-au-lait', composed, key)).toBe(true);
  });

  it.each([
    '',
    'plain',
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
    hash.replace('ln=14', 'ln=30'),
    hash.replace('ln=14,r=8,p=5', 'ln=20,r=8,p=5'),
    hash.replace('r=8', 'r=0'),
    hash.slice(0, -1),
  ])('are never verified by %j, which is no hash of ours', (stored) => {
    expect(verifyPassword('holdfast-demo', stored, key)).toBe(false);
  });
});
