// The three things RFC 8737 §3 wants to know of a challenge certificate and node:crypto cannot
// tell: its subject alternative names octet for octet, the acmeIdentifier extension, and whether
// issuer and subject are the same. Invariant: strict DER (X.690 §8, §10): definite lengths in the
// fewest octets, nothing left over; every offset stays inside its parent. Never here: signatures.

export interface GeneralName {
  /** The identifier octet: 0x82 dNSName, 0x87 iPAddress (RFC 5280 §4.2.1.6). */
  readonly tag: number;
  readonly value: Uint8Array;
}

export interface ChallengeCertificate {
  readonly selfIssued: boolean;
  /** The entries of subjectAltName; undefined without the extension. */
  readonly names: readonly GeneralName[] | undefined;
  /** The acmeIdentifier extension; `digest` is the content of its OCTET STRING. */
  readonly acmeIdentifier: { readonly critical: boolean; readonly digest: Uint8Array } | undefined;
}

interface Element {
  readonly tag: number;
  readonly value: Uint8Array;
  /** The whole element, header included. */
  readonly raw: Uint8Array;
}

interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const SUBJECT_ALT_NAME = '551d11';
/** 1.3.6.1.5.5.7.1.31 */
const ACME_IDENTIFIER = '2b0601050507011f';

/** Reads a DER certificate. Throws a RangeError that says what is wrong with it. */
export function readChallengeCertificate(der: Uint8Array): ChallengeCertificate {
  const [tbs] = children(only(der, SEQUENCE, 'certificate'));
  const fields = children(expect(tbs, SEQUENCE, 'TBSCertificate'));
  // RFC 5280 §4.1: [0] version, serial, algorithm, issuer, validity, subject, key, then options.
  const first = fields[0]?.tag === VERSION ? 1 : 0;
  const issuer = expect(fields[first + 2], SEQUENCE, 'issuer');
  const subject = expect(fields[first + 4], SEQUENCE, 'subject');
  const extensions = readExtensions(fields.slice(first + 6));
  const names = extensions.get(SUBJECT_ALT_NAME);
  const acme = extensions.get(ACME_IDENTIFIER);
  return {
    selfIssued: Buffer.compare(issuer.raw, subject.raw) === 0,
    names: names && children(only(names.value, SEQUENCE, 'subjectAltName')),
    acmeIdentifier: acme && {
      critical: acme.critical,
      digest: only(acme.value, OCTET_STRING, 'acmeIdentifier').value,
    },
  };
}

function readExtensions(options: readonly Element[]): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  const holder = options.find((option) => option.tag === EXTENSIONS);
  if (holder === undefined) return extensions;
  for (const element of children(only(holder.value, SEQUENCE, 'extensions'))) {
    const extension = readExtension(element);
    // RFC 5280 §4.2: no extension appears twice.
    if (extensions.has(extension.oid)) throw new RangeError('an extension appears twice');
    extensions.set(extension.oid, extension);
  }
  return extensions;
}

function readExtension(element: Element): Extension {
  const parts = children(expect(element, SEQUENCE, 'extension'));
  const oid = expect(parts[0], OBJECT_IDENTIFIER, 'extension identifier');
  const flagged = parts[1]?.tag === BOOLEAN;
  const value = expect(parts[flagged ? 2 : 1], OCTET_STRING, 'extension value');
  if (parts.length !== (flagged ? 3 : 2)) throw new RangeError('an extension has extra parts');
  const flag = flagged ? parts[1]!.value : Uint8Array.of(0);
  if (flag.length !== 1) throw new RangeError('a BOOLEAN is not one octet');
  const critical = flag[0] === 0xff;
  return { oid: Buffer.from(oid.value).toString('hex'), critical, value: value.value };
}

/** The one element that fills `bytes`. */
function only(bytes: Uint8Array, tag: number, what: string): Element {
  const element = elementAt(bytes, 0);
  if (element.raw.length !== bytes.length) throw new RangeError(`octets follow the ${what}`);
  return expect(element, tag, what);
}

function expect(element: Element | undefined, tag: number, what: string): Element {
  if (element?.tag !== tag) throw new RangeError(`the ${what} is missing or of another type`);
  return element;
}

function children(parent: Element): Element[] {
  const elements: Element[] = [];
  for (let offset = 0; offset < parent.value.length; ) {
    const element = elementAt(parent.value, offset);
    elements.push(element);
    offset += element.raw.length;
  }
  return elements;
}

function elementAt(bytes: Uint8Array, offset: number): Element {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw new RangeError('an element is cut off');
  if ((tag & 0x1f) === 0x1f) throw new RangeError('a tag number is too high');
  let start = offset + 2;
  let length = first;
  if (first >= 0x80) {
    const size = first & 0x7f;
    if (size === 0 || size > 3) throw new RangeError('a length is indefinite or too long');
    length = 0;
    for (let i = 0; i < size; i++) length = (length << 8) | (bytes[start + i] ?? 0);
    start += size;
    const fewest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
    if (size !== fewest) throw new RangeError('a length is not in its shortest form');
  }
  const end = start + length;
  if (end > bytes.length) throw new RangeError('an element is longer than what holds it');
  return { tag, value: bytes.subarray(start, end), raw: bytes.subarray(offset, end) };
}
