// The http-01 challenge (RFC 8555 §8.3; for IP addresses RFC 8738 §4). Invariant: control is shown
// only by a 200 answer whose body, trailing white space aside, is the key authorization. What a
// redirect led to is never quoted: it may be a page of a network that the client cannot see.
// A small HTTP client of our own, because this is the hot path of issuance: one request on one
// connection costs about a third of what node:http takes. Never here: certificate checks.

import type { Socket } from 'node:net';
import { canonicalIp } from '../../core/acme/ip-address.ts';
import type { ValidationRequest } from '../../core/acme/validation.ts';
import type { Attempt } from './attempt.ts';
import { type Connection, connectTo, connectWithTls, type ProbeTools } from './connect.ts';
import { failed, ProbeFailure, quoted, reasonOf, refused } from './failure.ts';
import { type HttpAnswer, ResponseReader } from './http-response.ts';
import {
  challengeTarget,
  type HttpPorts,
  type HttpTarget,
  hostField,
  redirectTarget,
  urlOf,
} from './http-target.ts';

export interface Http01Tools extends ProbeTools {
  readonly ports: HttpPorts;
}

interface Reply {
  readonly answer: HttpAnswer;
  readonly target: HttpTarget;
  readonly peer: string;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Resolves when the client has shown control; rejects with a ProbeFailure otherwise. */
export async function probeHttp01(
  tools: Http01Tools,
  attempt: Attempt,
  request: ValidationRequest,
): Promise<void> {
  const { identifier, token, keyAuthorization } = request;
  let target = challengeTarget(identifier.value, token, tools.ports);
  const visited: string[] = [];
  for (;;) {
    const reply = await fetchOnce(tools, attempt, target);
    visited.push(urlOf(target));
    if (!REDIRECTS.has(reply.answer.status)) {
      return checkAnswer(reply, keyAuthorization, visited.length > 1);
    }
    target = nextTarget(tools, reply, identifier.type === 'ip');
    if (visited.includes(urlOf(target))) {
      throw refused('connection', `redirect loop: ${urlOf(target)} was already asked`);
    }
    if (visited.length > tools.limits.redirects) {
      throw refused('connection', `more than ${tools.limits.redirects} redirects`);
    }
  }
}

function nextTarget(tools: Http01Tools, reply: Reply, mayBeAddress: boolean): HttpTarget {
  const location = reply.answer.fields.get('location');
  if (location === undefined) {
    const status = reply.answer.status;
    throw failed('incorrectResponse', `${place(reply)}: status ${status} without a Location`);
  }
  const { urlCharacters } = tools.limits;
  return redirectTarget(location, reply.target, {
    ports: tools.ports,
    mayBeAddress,
    urlCharacters,
  });
}

function checkAnswer(reply: Reply, keyAuthorization: string, redirected: boolean): void {
  const { status, body, truncated } = reply.answer;
  if (status !== 200) {
    throw failed('incorrectResponse', `${place(reply)}: expected status 200, got ${status}`);
  }
  // §8.3: trailing white space is ignored; anything else must match octet for octet.
  if (!truncated && body.toString('latin1').trimEnd() === keyAuthorization) return;
  const size = truncated ? `more than ${body.length} octets` : `${body.length} octets`;
  const got = redirected ? size : `${size} beginning ${quoted(body)}`;
  const wanted = `expected the key authorization ${quoted(keyAuthorization, 200)}`;
  throw failed('incorrectResponse', `${place(reply)}: ${wanted}, got ${got}`);
}

function place({ target, peer }: Reply): string {
  return `${urlOf(target)} [${peer}]`;
}

async function fetchOnce(tools: Http01Tools, attempt: Attempt, target: HttpTarget): Promise<Reply> {
  try {
    const { socket, peer } = await connect(tools, attempt, target);
    attempt.begin('connection', `waiting for the answer of ${urlOf(target)} [${peer}]`);
    const answer = await exchange(socket, requestText(target), tools.limits);
    socket.destroy();
    return { answer, target, peer };
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    throw new ProbeFailure(error.problem, `${urlOf(target)}: ${error.message}`, error.final);
  }
}

function connect(tools: Http01Tools, attempt: Attempt, target: HttpTarget): Promise<Connection> {
  const { scheme, host, port } = target;
  if (scheme === 'http') return connectTo(tools, attempt, host, port);
  const name = canonicalIp(host) === undefined ? { serverName: host } : {};
  return connectWithTls(tools, attempt, host, port, { ...name, protocol: 'http/1.1' });
}

/** Sends one request and reads one answer. Rejects with a ProbeFailure. */
function exchange(
  socket: Socket,
  text: string,
  limits: { readonly headBytes: number; readonly bodyBytes: number },
): Promise<HttpAnswer> {
  const reader = new ResponseReader(limits);
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(failed('connection', 'connection closed'));
    const settle = (read: () => HttpAnswer | undefined): void => {
      try {
        const answer = read();
        if (answer === undefined) return;
        socket.off('close', onClose);
        resolve(answer);
      } catch (error) {
        reject(error);
        socket.destroy();
      }
    };
    socket.on('data', (chunk: Buffer) => settle(() => reader.push(chunk)));
    socket.once('end', () => settle(() => reader.end()));
    socket.on('error', (error) => reject(failed('connection', reasonOf(error))));
    socket.once('close', onClose);
    socket.write(text, 'latin1');
  });
}

function requestText(target: HttpTarget): string {
  return (
    `GET ${target.path} HTTP/1.1\r\nHost: ${hostField(target)}\r\nUser-Agent: akamu\r\n` +
    'Accept: */*\r\nConnection: close\r\n\r\n'
  );
}
