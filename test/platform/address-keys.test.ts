/** Places are told apart as networks are, and nobody reads an address back out of a key. */
import { describe, expect, it } from 'vitest';
import { addressKey } from '../../src/platform/address-keys.ts';

const SECRET = 'id-secret-of-the-tests-0123456789abcdef';
const key = (address: string) => addressKey(SECRET, address);

describe('the key of an address', () => {
  it('is another for another address, and under another secret', () => {
    expect(key('192.0.2.1')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(key('192.0.2.1')).not.toBe(key('192.0.2.2'));
    expect(key('192.0.2.1')).not.toBe(addressKey(`${SECRET}x`, '192.0.2.1'));
  });

  it('is one for all of an IPv6 network that one customer has, in every writing', () => {
    const home = key('2001:db8:1:2:aaaa:bbbb:cccc:dddd');
    expect(key('2001:DB8:0001:0002::1')).toBe(home);
    expect(key('2001:db8:1:2::')).toBe(home);
    expect(key('2001:db8:1:3::1')).not.toBe(home);
    expect(key('2001:db8::1')).toBe(key('2001:db8:0:0::2'));
    expect(key('::1')).toBe(key('0:0:0:0:0:0:0:1'));
  });
});
