/**
 * The part of node:crypto that the Worker uses, as workerd implements it. Declared here instead of taking all of
 * Node's types, whose globals would let code compile that no Worker can run.
 */
declare module 'node:crypto' {
  interface Hash {
    update(data: string | Uint8Array, encoding?: 'utf8'): Hash;
    digest(): Uint8Array;
    digest(encoding: 'hex' | 'base64'): string;
  }
  export function createHash(algorithm: 'sha256'): Hash;
  export function createHmac(algorithm: 'sha256', key: string | Uint8Array): Hash;
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
  export function scryptSync(
    ...input: [
      password: Uint8Array,
      salt: Uint8Array,
      length: number,
      options: { N: number; r: number; p: number; maxmem: number },
    ]
  ): Uint8Array;
}
