/** Certificates for the tests of PayPal's webhooks: self-signed, of any name, key and time. Written by hand in DER. */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A certificate and the key that signs with it. */
export interface Signer {
  readonly pem: string;
  readonly privateKey: KeyObject;
}

const SHA256_WITH_RSA = der(
  0x30,
  oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b),
  der(0x05),
);

/** A new key with its certificate. */
export function makeSigner(wish: {
  commonName: string;
  notBeforeMs: number;
  notAfterMs: number;
  isElliptic?: boolean;
}): Signer {
  const { publicKey, privateKey } = wish.isElliptic
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const name = nameOf(wish.commonName);
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    SHA256_WITH_RSA,
    name,
    der(0x30, timeOf(wish.notBeforeMs), timeOf(wish.notAfterMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = createSign('sha256').update(body).sign(privateKey);
  const whole = der(0x30, body, SHA256_WITH_RSA, der(0x03, Buffer.of(0), signature));
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n');
  const pem = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  return { pem, privateKey };
}

/** The country comes first, as in PayPal's own, so that the name is looked for and not merely read. */
function nameOf(commonName: string): Buffer {
  const country = der(0x30, oid(0x55, 0x04, 0x06), der(0x13, Buffer.from('US')));
  const common = der(0x30, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(commonName)));
  return der(0x30, der(0x31, country), der(0x31, common));
}

/** As RFC 5280 has it: two digits of the year until 2049, four from then on. */
function timeOf(atMs: number): Buffer {
  const text = new Date(atMs).toISOString().replace(/\.\d{3}|[-:T]/g, '');
  const isShort = Number(text.slice(0, 4)) < 2050;
  return der(isShort ? 0x17 : 0x18, Buffer.from(isShort ? text.slice(2) : text));
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
