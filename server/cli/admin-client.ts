// Asking the running server of this host, through the admin listener its configuration names.
// Invariant: one bounded call; whatever goes wrong is a failure that names the fix.
// Never here: what is asked.

import { request } from 'node:http';
import { parseListenAddress } from '../../io/config/address.ts';
import type { Config } from '../../io/config/index.ts';
import { OperatorError } from '../../io/operator-error.ts';

const TIMEOUT_MS = 15_000;
const MAX_OCTETS = 16 * 1024 * 1024;

/** Why there is no answer; the message names the fix. */
export class AdminFailure extends OperatorError {
  override readonly name = 'AdminFailure';
  /** True when nobody listens there: the server does not run. */
  readonly isDown: boolean;

  constructor(message: string, isDown = false) {
    super(message);
    this.isDown = isDown;
  }
}

/** The JSON the admin listener answers with. Rejects with an AdminFailure. */
export async function askAdmin(
  config: Config,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<unknown> {
  const { status, text } = await call(config, method, path, body);
  const json = parse(text);
  if (status >= 200 && status < 300 && json !== undefined) return json;
  throw new AdminFailure(
    `${config.admin.listenAddr}: ${reasonIn(json) ?? `it answered ${status}`}`,
  );
}

function call(
  config: Config,
  method: string,
  path: string,
  body: object | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  const { listenAddr } = config.admin;
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      reject(explain(listenAddr, error));
    };
    const headers = { 'Content-Type': 'application/json' };
    const how = { ...target(listenAddr), method, path, headers, agent: false };
    const asked = request(how, (message) => {
      const chunks: Buffer[] = [];
      let length = 0;
      message.on('error', fail);
      message.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= MAX_OCTETS) chunks.push(chunk);
        else message.destroy(new Error('its answer is too large'));
      });
      message.on('end', () => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: message.statusCode ?? 0, text });
      });
    });
    const timer = setTimeout(() => {
      asked.destroy(new Error(`it gave no answer within ${TIMEOUT_MS / 1000} s`));
    }, TIMEOUT_MS);
    asked.on('error', fail);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Where to connect for an address to listen on: one that means all means this host. */
function target(listenAddr: string): { socketPath: string } | { host: string; port: number } {
  const address = parseListenAddress(listenAddr);
  if (address === undefined) throw new AdminFailure(`"${listenAddr}" is no address`);
  if (address.kind === 'unix') return { socketPath: address.path };
  const { host, port } = address;
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return { host: own, port };
}

function explain(listenAddr: string, { code, message }: NodeJS.ErrnoException): AdminFailure {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return new AdminFailure(
        `nobody listens on [admin] listen_addr = "${listenAddr}"; start the server with: ` +
          'akamu serve, or name its configuration with --config FILE',
        true,
      );
    case 'EACCES':
      return new AdminFailure(
        `${listenAddr}: this user may not open it; run as the user or group of the server`,
      );
    default:
      return new AdminFailure(`${listenAddr}: ${message}`);
  }
}

/** What a refusal says: what is wrong, and what to do. */
function reasonIn(json: unknown): string | undefined {
  if (typeof json !== 'object' || json === null || !('error' in json)) return undefined;
  return 'fix' in json ? `${json.error}; ${json.fix}` : String(json.error);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
