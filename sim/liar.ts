// The members of a world that lie: what they send to others is bent on its way out. They have valid
// keys, so everybody must read them; inside they run the honest core. When the world heals they are
// shut out, as operators do with a node that the log names.
// Invariant: whether a message is bent, and how, is keyed by its link and the moment it is sent.
// Never here: which lies there are (lies.ts).

import { LIES, type Lie, type Members, type Tools } from './lies.ts';
import type { Content, Endpoint } from './message.ts';
import type { Options } from './options.ts';
import { type Draws, stream } from './prng.ts';

const LIES_NOW = stream('liar.lies');
const WHICH = stream('liar.which');
const HOW = stream('liar.how');
/** Pages a liar remembers. */
const REMEMBERED = 20;

/** Liars are the last nodes; two honest ones are left at least, or there is nobody to lie to. */
export function isLiar(index: number, { nodes, liars }: Pick<Options, 'nodes' | 'liars'>): boolean {
  return index < nodes && index >= Math.max(2, nodes - liars);
}

export class Liars {
  readonly #options: Options;
  readonly #draws: Draws;
  readonly #mark: (name: string, node: number) => void;
  readonly #sent: Members[][] = [];
  #areSilent = false;

  constructor(options: Options, draws: Draws, mark: (name: string, node: number) => void) {
    this.#options = options;
    this.#draws = draws;
    this.#mark = mark;
  }

  /** From now on nobody talks to them. */
  silence(): void {
    this.#areSilent = true;
  }

  isShutOut(from: Endpoint, to: Endpoint): boolean {
    return this.#areSilent && (isLiar(from, this.#options) || isLiar(to, this.#options));
  }

  /** What is sent instead of this. `key` names the message on its link. */
  bend(from: Endpoint, to: Endpoint, content: Content, key: number): Content {
    if (!isLiar(from, this.#options)) return content;
    if (content.kind !== 'ask' && content.kind !== 'page') return content;
    const entity = from * this.#options.nodes + to;
    if (!this.#draws.chance(this.#options.liesPpm, LIES_NOW, entity, key)) {
      return this.#remember(from, content);
    }
    const draw = this.#draws.sequence(HOW, entity ^ key);
    const lie = LIES[this.#draws.below(LIES.length, WHICH, entity, key)]!;
    const tools = { draw, sent: this.#sent[from] ?? [], reader: to };
    const bent = bentBy(lie, content, tools);
    if (bent === undefined) return this.#remember(from, content);
    this.#mark(`lie: ${lie.name}`, from);
    return this.#remember(from, bent);
  }

  #remember(from: Endpoint, content: Extract<Content, { kind: 'ask' | 'page' }>): Content {
    const page = content.kind === 'page' ? content.page : content.push;
    if (page !== null) {
      const sent = (this.#sent[from] ??= []);
      sent.push(page as Members);
      if (sent.length > REMEMBERED) sent.shift();
    }
    return content;
  }
}

function bentBy(
  { page, ask }: Lie,
  content: Extract<Content, { kind: 'ask' | 'page' }>,
  tools: Tools,
): Extract<Content, { kind: 'ask' | 'page' }> | undefined {
  if (content.kind === 'page') {
    const bent = page?.(content.page as Members, tools);
    return bent && { ...content, page: bent };
  }
  if (content.push !== null && page !== undefined) {
    const bent = page(content.push as Members, tools);
    if (bent !== undefined) return { ...content, push: bent };
  }
  const bent = ask?.(content.ask as Members, tools);
  return bent && { ...content, ask: bent };
}
