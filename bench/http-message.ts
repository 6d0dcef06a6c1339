// Reading an HTTP/1.1 answer (RFC 9112) out of the bytes received so far.
// Invariant: an answer is given only when it is complete, with the number of bytes it took.
// Never here: sockets. And no more of HTTP than servers use towards an ACME client: a length, or
// chunks without trailers, or no body at all.

export interface Reply {
  readonly status: number;
  readonly location: string | undefined;
  readonly replayNonce: string | undefined;
  readonly isLast: boolean;
  readonly body: string;
}

export interface ReadReply {
  readonly reply: Reply;
  readonly size: number;
}

interface Head {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

const HEAD_END = '\r\n\r\n';
// Only these are looked up; the others are not worth a map entry each.
const wanted: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'location',
  'replay-nonce',
  'transfer-encoding',
]);

/** The first complete answer in `received` (one character a byte), or undefined while it is not. */
export function readReply(received: string): ReadReply | undefined {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = readHead(received.slice(0, headEnd));
  const body = readBody(received, headEnd + HEAD_END.length, head);
  if (body === undefined) return undefined;
  const reply = {
    status: head.status,
    location: head.fields.get('location'),
    replayNonce: head.fields.get('replay-nonce'),
    isLast: head.fields.get('connection')?.toLowerCase() === 'close',
    body: body.text,
  };
  return { reply, size: body.end };
}

function readHead(text: string): Head {
  const lines = text.split('\r\n');
  const status = Number(lines[0]!.slice(9, 12));
  if (!lines[0]!.startsWith('HTTP/1.') || !Number.isInteger(status) || status < 200) {
    throw new Error(`not an HTTP answer: ${lines[0]}`);
  }
  const fields = new Map<string, string>();
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (wanted.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return { status, fields };
}

function readBody(text: string, start: number, head: Head): Body | undefined {
  if (head.status === 204 || head.status === 304) return { text: '', end: start };
  if (head.fields.get('transfer-encoding') === 'chunked') return readChunks(text, start);
  const length = Number(head.fields.get('content-length'));
  if (!Number.isInteger(length)) throw new Error('an answer without a length');
  const end = start + length;
  return text.length < end ? undefined : { text: text.slice(start, end), end };
}

interface Body {
  readonly text: string;
  readonly end: number;
}

function readChunks(received: string, start: number): Body | undefined {
  let text = '';
  for (let at = start; ; ) {
    const lineEnd = received.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(received.slice(at, lineEnd), 16);
    if (!Number.isInteger(size)) throw new Error('a malformed chunk');
    const dataEnd = lineEnd + 2 + size;
    if (received.length < dataEnd + 2) return undefined;
    if (size === 0) return { text, end: dataEnd + 2 };
    text += received.slice(lineEnd + 2, dataEnd);
    at = dataEnd + 2;
  }
}
