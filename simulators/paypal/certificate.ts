/**
 * The certificate that webhooks are signed with: a self-signed X.509 of an RSA key, made once per state
 * and kept with it. Owns its encoding; must never be used for anything else.
 * Source: RFC 5280; ITU-T X.690 for the encoding.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from 'node:crypto';
import type { Store } from '../store.ts';

const KEY_SETTING = 'paypal_webhook_key';
const CERTIFICATE_SETTING = 'paypal_webhook_certificate';

/** PayPal's own certificates carry this name. */
const COMMON_NAME = 'messageverificationcerts.paypal.com';

/** Valid at every clock that a simulator can be started with; UTCTime ends in 2049. */
const VALID_FROM = '200101000000Z';
const VALID_UNTIL = '491231235959Z';

const TAG = {
  integer: 0x02,
  bitString: 0x03,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
} as const;

/** sha256WithRSAEncryption, 1.2.840.113549.1.1.11. */
const SHA256_WITH_RSA = Buffer.from('2a864886f70d01010b', 'hex');
/** commonName, 2.5.4.3. */
const COMMON_NAME_TYPE = Buffer.from('550403', 'hex');

/** What webhooks are signed with, and what a receiver fetches to check them. */
export interface SigningCertificate {
  /** The last part of the certificate's address. */
  readonly id: string;
  readonly pem: string;
  readonly privateKey: KeyObject;
}

/** The certificate of this state, made when there is none yet. */
export function loadCertificate(store: Store): SigningCertificate {
  const kept = { key: store.setting(KEY_SETTING), pem: store.setting(CERTIFICATE_SETTING) };
  if (kept.key !== null && kept.pem !== null) {
    return { id: idOf(kept.pem), pem: kept.pem, privateKey: createPrivateKey(kept.key) };
  }
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = toPem(selfSigned({ privateKey, publicKey }));
  store.apply(() => {
    store.saveSetting(KEY_SETTING, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    store.saveSetting(CERTIFICATE_SETTING, pem);
  });
  return { id: idOf(pem), pem, privateKey };
}

function selfSigned(keys: {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}): Buffer {
  const algorithm = der(
    TAG.sequence,
    der(TAG.objectIdentifier, SHA256_WITH_RSA),
    der(TAG.null, Buffer.alloc(0)),
  );
  const name = der(
    TAG.sequence,
    der(
      TAG.set,
      der(
        TAG.sequence,
        der(TAG.objectIdentifier, COMMON_NAME_TYPE),
        der(TAG.utf8, Buffer.from(COMMON_NAME)),
      ),
    ),
  );
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
  // The first bit of a serial number is its sign: 0x01 in front keeps it positive.
  const serial = Buffer.concat([
    Buffer.from([1]),
    createHash('sha256').update(publicKey).digest().subarray(0, 15),
  ]);
  const body = der(
    TAG.sequence,
    der(TAG.version, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serial),
    algorithm,
    name,
    der(
      TAG.sequence,
      der(TAG.utcTime, Buffer.from(VALID_FROM)),
      der(TAG.utcTime, Buffer.from(VALID_UNTIL)),
    ),
    name,
    publicKey,
  );
  const signature = sign('sha256', body, keys.privateKey);
  const bits = der(TAG.bitString, Buffer.concat([Buffer.from([0]), signature]));
  return der(TAG.sequence, body, algorithm, bits);
}

/** One element: tag, length, contents. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Up to 127 in one byte, more in as many bytes as the first one says. */
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const short = bytes.subarray(bytes.findIndex((byte: number) => byte !== 0));
  return Buffer.concat([Buffer.from([0x80 | short.length]), short]);
}

function toPem(encoded: Buffer): string {
  const lines = encoded.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** PayPal names its certificates like this. */
function idOf(pem: string): string {
  const digest = createHash('sha256').update(pem).digest('hex');
  return `CERT-${digest.slice(0, 8)}-${digest.slice(8, 16)}-${digest.slice(16, 24)}`;
}
