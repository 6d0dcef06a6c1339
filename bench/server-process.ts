// A server under test as a child process: start, wait until it answers, stop.
// Invariant: its output goes to a file, so that reading it costs the load client nothing, and is
// shown when the server does not start or ends early.
// Never here: what kind of server it is (see akamu.ts and pebble.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, originOf } from './connection.ts';
import { atExit, type Undo } from './scope.ts';

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Answers 200 once the server is ready. */
  readonly readyUrl: string;
}

const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const LOG_TAIL_CHARACTERS = 2_000;

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #launch: Launch;
  readonly #kill: Undo;

  private constructor(child: ChildProcess, launch: Launch) {
    this.#child = child;
    this.#launch = launch;
    this.#kill = atExit(() => child.kill('SIGKILL'));
  }

  /** Starts a server; rejects, with the end of its log, unless it gets ready within 30 s. */
  static async start(launch: Launch): Promise<ServerProcess> {
    const log = openSync(launch.logFile, 'a');
    const env = { ...process.env, ...launch.env };
    const child = spawn(launch.command, launch.args, { stdio: ['ignore', log, log], env });
    closeSync(log);
    const server = new ServerProcess(child, launch);
    try {
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      await server.#untilReady();
    } catch (error) {
      server.#kill();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The end of what the server has printed. */
  logTail(): string {
    return readFileSync(this.#launch.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS);
  }

  /** Asks the server to end, insists after 5 s. */
  async stop(): Promise<void> {
    if (!this.hasEnded) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    }
    this.#kill();
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!this.hasEnded && performance.now() < deadline) {
      if ((await getText(this.#launch.readyUrl)) !== undefined) return;
      await sleep(50);
    }
    const what = this.hasEnded ? 'ended instead of getting ready' : 'did not get ready';
    throw new Error(`${this.#launch.name} ${what}; its last output:\n${this.logTail()}`);
  }
}

/** The body of a GET answered with 200, otherwise undefined. */
export async function getText(url: string): Promise<string | undefined> {
  const origin = originOf(url);
  const connection = new Connection(origin);
  try {
    const reply = await connection.get(url.slice(origin.text.length));
    return reply.status === 200 ? reply.body : undefined;
  } catch {
    return undefined;
  } finally {
    connection.close();
  }
}

/** TCP ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listenAnywhere(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
