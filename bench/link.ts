// A TCP link from one node to another that can be cut, one way or both: every ordered pair of nodes
// has one, so that a partition is a set of cut links.
// Invariant: a cut link swallows what is sent and answers nothing, as a network does, and connections
// that were open stay open and silent. Never here: which links are cut.

import { connect, createServer, type Server, type Socket } from 'node:net';

export class Link {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isCut = false;
  #octets = 0;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => this.#join(near, targetPort));
  }

  /** Listens on `port` of 127.0.0.1 and carries on to `targetPort`. */
  static async open(port: number, targetPort: number): Promise<Link> {
    const link = new Link(targetPort);
    await new Promise<void>((resolve, reject) => {
      link.#server.once('error', reject);
      link.#server.listen(port, '127.0.0.1', resolve);
    });
    return link;
  }

  /** Octets carried so far, both ways. */
  get octets(): number {
    return this.#octets;
  }

  cut(): void {
    this.#isCut = true;
  }

  /** What was sent into the cut is lost, so the connections of that time break now. */
  heal(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  close(): void {
    this.#server.close();
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  #join(near: Socket, targetPort: number): void {
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    this.#carry(near, far);
    this.#carry(far, near);
    const end = (): void => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
  }

  #carry(from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      if (this.#isCut) return;
      this.#octets += chunk.length;
      if (!to.write(chunk)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => {
      if (!this.#isCut) to.end();
    });
  }
}
