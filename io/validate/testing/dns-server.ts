// A DNS server for tests, on loopback, over UDP and TCP at one port. It answers as a recursor
// would, from records that a test sets and deletes at any time. Invariant: every answer shows the
// records of that moment. Never here: forwarding; an unknown name does not exist.

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type DnsAnswer,
  type DnsQuestion,
  type RecordData,
  type RecordType,
  type RecordValues,
  readQuestion,
  writeAnswer,
} from './dns-message.ts';

/** How a name misbehaves: an error code, or no answer at all. */
export type DnsMisbehaviour = 'SERVFAIL' | 'REFUSED' | 'NOTIMP' | 'FORMERR' | 'silent';

export interface DnsServerOptions {
  /** False: a CNAME is answered alone, as servers that do not recurse do. Default true. */
  readonly followCnames?: boolean;
}

const RESPONSE_CODES = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
/** RFC 1035 §4.2.1; what is longer goes over TCP. */
const UDP_OCTETS = 512;
const MAX_CNAMES = 16;

export class DnsServer {
  readonly #records = new Map<string, RecordData[]>();
  readonly #misbehaving = new Map<string, DnsMisbehaviour>();
  readonly #followCnames: boolean;
  readonly #connections = new Set<Socket>();
  readonly #asked: string[] = [];
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;

  constructor({ followCnames = true }: DnsServerOptions = {}) {
    this.#followCnames = followCnames;
  }

  /** Starts on a free port of 127.0.0.1; `address:port`, as a resolver wants it. */
  async listen(): Promise<string> {
    const tcp = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const address = tcp.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port');
    const udp = createSocket('udp4');
    udp.on('message', (message, from) => {
      const answer = this.#answer(message, UDP_OCTETS);
      if (answer !== undefined) udp.send(answer, from.port, from.address);
    });
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind(address.port, '127.0.0.1', resolve);
    });
    this.#tcp = tcp;
    this.#udp = udp;
    return `127.0.0.1:${address.port}`;
  }

  /** Replaces all records of one type at `name`. */
  set<T extends RecordType>(name: string, type: T, values: readonly RecordValues[T][]): void {
    const key = name.toLowerCase();
    const others = (this.#records.get(key) ?? []).filter((record) => record.type !== type);
    const added = values.map((value) => ({ type, value }) as RecordData);
    this.#records.set(key, [...others, ...added]);
  }

  /** Removes the records of one type, or the whole name with its misbehaviour. */
  delete(name: string, type?: RecordType): void {
    const key = name.toLowerCase();
    if (type === undefined) {
      this.#records.delete(key);
      this.#misbehaving.delete(key);
      return;
    }
    const left = (this.#records.get(key) ?? []).filter((record) => record.type !== type);
    if (left.length > 0) this.#records.set(key, left);
    else this.#records.delete(key);
  }

  /** Makes every question about `name`, or only those for `type`, go wrong. */
  misbehave(name: string, how: DnsMisbehaviour, type?: RecordType): void {
    this.#misbehaving.set(type === undefined ? name : `${name} ${type}`, how);
  }

  /** What was asked, oldest first: `name TYPE`. */
  get asked(): readonly string[] {
    return this.#asked;
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    const udp = this.#udp;
    const tcp = this.#tcp;
    if (udp !== undefined) await new Promise<void>((done) => udp.close(() => done()));
    if (tcp !== undefined) await new Promise<void>((done) => tcp.close(() => done()));
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        const answer = this.#answer(pending.subarray(2, end), 65_535);
        pending = pending.subarray(end);
        if (answer === undefined) continue;
        const size = Buffer.alloc(2);
        size.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([size, answer]));
      }
    });
  }

  #answer(message: Buffer, maxOctets: number): Buffer | undefined {
    const question = readQuestion(message);
    if (question === undefined) return undefined;
    const { name, type } = question;
    this.#asked.push(`${name} ${type ?? 'other'}`);
    const how = this.#misbehaving.get(name) ?? this.#misbehaving.get(`${name} ${type}`);
    if (how === 'silent') return undefined;
    if (how !== undefined) return writeAnswer(question, [], { responseCode: RESPONSE_CODES[how] });
    const { answers, exists } = this.#lookUp(question);
    const responseCode = exists ? 0 : RESPONSE_CODES.NXDOMAIN;
    const whole = writeAnswer(question, answers, { responseCode });
    if (whole.length <= maxOctets) return whole;
    return writeAnswer(question, answers, { responseCode, truncated: true });
  }

  #lookUp({ name, type }: DnsQuestion): { answers: readonly DnsAnswer[]; exists: boolean } {
    const answers: DnsAnswer[] = [];
    let owner = name;
    for (let followed = 0; followed < MAX_CNAMES; followed++) {
      const records = this.#records.get(owner);
      if (records === undefined)
        return { answers, exists: answers.length > 0 || this.#above(owner) };
      const alias = records.find((record) => record.type === 'CNAME');
      const wanted = alias === undefined ? records.filter((r) => r.type === type) : [alias];
      answers.push(...wanted.map((data) => ({ name: owner, data })));
      if (alias?.type !== 'CNAME' || type === 'CNAME' || !this.#followCnames) break;
      owner = alias.value.toLowerCase();
    }
    return { answers, exists: true };
  }

  /** A name without records exists when there are names below it (RFC 8020). */
  #above(name: string): boolean {
    return [...this.#records.keys()].some((known) => known.endsWith(`.${name}`));
  }
}
