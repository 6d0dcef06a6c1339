// DNS messages for tests (RFC 1035 §4, CAA: RFC 8659 §4.1): reads a question, writes an answer.
// Invariant: names are written without compression, so an answer's octets follow from its records.
// Never here: sockets, which records exist.

export interface CaaData {
  readonly flags: number;
  readonly tag: string;
  readonly value: string;
}

/** A TXT value given as a string is split into strings of 255 octets. */
export interface RecordValues {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly TXT: string | readonly string[];
  readonly CAA: CaaData;
}

export type RecordType = keyof RecordValues;
export type RecordData = {
  readonly [T in RecordType]: { readonly type: T; readonly value: RecordValues[T] };
}[RecordType];

export interface DnsQuestion {
  readonly id: number;
  /** In lower case, without the final dot. */
  readonly name: string;
  readonly type: RecordType | undefined;
  /** The question section as it was asked, to be repeated in the answer. */
  readonly section: Buffer;
}

export interface DnsAnswer {
  readonly name: string;
  readonly data: RecordData;
}

const TYPE_NUMBERS: Readonly<Record<RecordType, number>> = {
  A: 1,
  CNAME: 5,
  TXT: 16,
  AAAA: 28,
  CAA: 257,
};
const TTL_SECONDS = 300;

/** Reads the first question of a message, or undefined when there is none. */
export function readQuestion(message: Buffer): DnsQuestion | undefined {
  if (message.length < 17) return undefined;
  const labels: string[] = [];
  let offset = 12;
  for (let size = message[offset]!; size > 0; size = message[offset]!) {
    labels.push(message.toString('latin1', offset + 1, offset + 1 + size));
    offset += 1 + size;
    if (offset >= message.length) return undefined;
  }
  const number = message.readUInt16BE(offset + 1);
  const type = (Object.keys(TYPE_NUMBERS) as RecordType[]).find(
    (candidate) => TYPE_NUMBERS[candidate] === number,
  );
  const name = labels.join('.').toLowerCase();
  return { id: message.readUInt16BE(0), name, type, section: message.subarray(12, offset + 5) };
}

/** An answer with these records. `truncated` sets TC and leaves them out. */
export function writeAnswer(
  question: DnsQuestion,
  answers: readonly DnsAnswer[],
  { responseCode = 0, truncated = false }: { responseCode?: number; truncated?: boolean } = {},
): Buffer {
  const sent = truncated ? [] : answers;
  const header = Buffer.alloc(12);
  header.writeUInt16BE(question.id, 0);
  // QR, AA, RD and RA; TC when it does not fit.
  header.writeUInt16BE(0x8580 | (truncated ? 0x0200 : 0) | responseCode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(sent.length, 6);
  return Buffer.concat([header, question.section, ...sent.map(writeRecord)]);
}

function writeRecord({ name, data }: DnsAnswer): Buffer {
  const content = writeData(data);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPE_NUMBERS[data.type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(TTL_SECONDS, 4);
  fixed.writeUInt16BE(content.length, 8);
  return Buffer.concat([writeName(name), fixed, content]);
}

function writeData(data: RecordData): Buffer {
  switch (data.type) {
    case 'A':
      return Buffer.from(data.value.split('.').map(Number));
    case 'AAAA':
      return writeIpv6(data.value);
    case 'CNAME':
      return writeName(data.value);
    case 'TXT': {
      const { value } = data;
      const strings = typeof value === 'string' ? (value.match(/[\s\S]{1,255}/g) ?? ['']) : value;
      return Buffer.concat(strings.map(writeString));
    }
    case 'CAA': {
      const { flags, tag, value } = data.value;
      return Buffer.concat([Buffer.of(flags), writeString(tag), Buffer.from(value, 'latin1')]);
    }
  }
}

function writeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.map(writeString), Buffer.of(0)]);
}

function writeString(text: string): Buffer {
  const octets = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.of(octets.length), octets]);
}

function writeIpv6(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  const groups = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
