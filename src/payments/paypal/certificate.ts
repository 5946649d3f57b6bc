/**
 * Reads what is needed of an X.509 certificate: whose it is, from when to when it holds, its public key. The runtime has no
 * reader of its own. It does not follow chains: a certificate is trusted because it came over TLS from an allow-listed host.
 * Source: RFC 5280, section 4.1; ITU-T X.690 (DER).
 */

/** A certificate's own words. */
export interface Certificate {
  readonly commonName: string | null;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo, as WebCrypto imports it. */
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
}

/** One element of DER: its tag, all its bytes, and its content. */
interface Element {
  readonly tag: number;
  readonly whole: Uint8Array<ArrayBuffer>;
  readonly content: Uint8Array<ArrayBuffer>;
}

const TAG = { oid: 0x06, utcTime: 0x17, generalizedTime: 0x18 } as const;

/** The explicit version, which certificates before version 3 leave out. */
const VERSION_TAG = 0xa0;

/** The bytes of 2.5.4.3, commonName. */
const COMMON_NAME = [0x55, 0x04, 0x03].join(' ');

/** Bytes of the longest length of an element that is read: more is no certificate. */
const LENGTH_BYTES_MAX = 3;

/** The first certificate of a PEM text; null where there is none that can be read. */
export function readCertificate(pem: string): Certificate | null {
  const base64 = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(
    pem,
  )?.[1];
  if (base64 === undefined) return null;
  try {
    const der = Uint8Array.from(atob(base64.replace(/\s/g, '')), (char) => char.charCodeAt(0));
    return certificateOf(der);
  } catch {
    return null; // Cut short or no DER at all.
  }
}

function certificateOf(der: Uint8Array<ArrayBuffer>): Certificate {
  const body = childrenOf(at(childrenOf(elementAt(der, 0)), 0));
  const first = body[0]?.tag === VERSION_TAG ? 1 : 0;
  // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo.
  const [notBefore, notAfter] = childrenOf(at(body, first + 3)).map(instantOf);
  if (notBefore === undefined || notAfter === undefined) throw new Error('no validity');
  return {
    commonName: commonNameOf(at(body, first + 4)),
    notBeforeMs: notBefore,
    notAfterMs: notAfter,
    publicKeyInfo: at(body, first + 5).whole,
  };
}

function commonNameOf(subject: Element): string | null {
  for (const set of childrenOf(subject)) {
    for (const attribute of childrenOf(set)) {
      const [type, value] = childrenOf(attribute);
      const isName = type?.tag === TAG.oid && type.content.join(' ') === COMMON_NAME;
      if (isName && value !== undefined) return new TextDecoder().decode(value.content);
    }
  }
  return null;
}

/** UTCTime has two digits of the year, which mean 1950 to 2049. */
function instantOf({ tag, content }: Element): number {
  const text = new TextDecoder().decode(content);
  const isShort = tag === TAG.utcTime;
  if (!isShort && tag !== TAG.generalizedTime) throw new Error('no time');
  const short = Number(text.slice(0, 2));
  const full = isShort ? `${short < 50 ? '20' : '19'}${text}` : text;
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(atMs)) throw new Error('no time');
  return atMs;
}

function childrenOf({ content }: Element): Element[] {
  const children: Element[] = [];
  for (let offset = 0; offset < content.length;) {
    const child = elementAt(content, offset);
    children.push(child);
    offset += child.whole.length;
  }
  return children;
}

function elementAt(bytes: Uint8Array<ArrayBuffer>, offset: number): Element {
  const tag = byteAt(bytes, offset);
  const first = byteAt(bytes, offset + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > LENGTH_BYTES_MAX) throw new Error('too long');
  let length = lengthBytes === 0 ? first : 0;
  for (let index = 0; index < lengthBytes; index += 1) {
    length = length * 256 + byteAt(bytes, offset + 2 + index);
  }
  const start = offset + 2 + lengthBytes;
  if (start + length > bytes.length) throw new Error('cut short');
  return {
    tag,
    whole: bytes.slice(offset, start + length),
    content: bytes.slice(start, start + length),
  };
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new Error('cut short');
  return byte;
}

function at(elements: readonly Element[], index: number): Element {
  const element = elements[index];
  if (element === undefined) throw new Error('an element is missing');
  return element;
}
