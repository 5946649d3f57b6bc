/**
 * Network addresses as keys: calls from one place can be counted together without anybody keeping the address.
 * Used by the Worker for guests, whose ids cost nothing.
 */
import { toBase64Url } from './base64.ts';
import { keyedDigest } from './digest.ts';

/** Groups of an IPv6 address that are one customer of a network: whoever has one has 2^64 addresses behind it. */
const NETWORK_GROUPS = 4;

/** The key of an address under the deployment's id secret, and for IPv6 of its network: HMAC-SHA-256, 43 characters. */
export function addressKey(idSecret: string, address: string): string {
  return toBase64Url(keyedDigest(idSecret, 'address')(networkOf(address.toLowerCase())));
}

function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: gap }, () => '0'), ...after];
  return groups.slice(0, NETWORK_GROUPS).map(withoutZeros).join(':');
}

function withoutZeros(group: string): string {
  return group.replace(/^0+(?=.)/, '');
}
