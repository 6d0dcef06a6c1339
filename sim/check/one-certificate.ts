// Does an order ever have two certificates? What the CA is asked for one order and CSR is the same
// on every node and at every time, one serial names one certificate, and clients are told one
// serial.
// Sees: issuance that depends on who issues or when; two serials shown for one order.
// Cannot see: two signatures over one certificate, which are equivalent. Excuses: an order that was
// given different CSRs on two sides of a partition may show each side's until they meet; what was
// on no other disk when a disk was exchanged.

import type { IssueRequest } from '../../core/acme/issuance.ts';
import { certificateMade } from '../../core/acme/records.ts';
import { sameJson } from '../../core/crdt/canonical.ts';
import type { Json, Record } from '../../core/crdt/record.ts';
import type { Checker, Finding } from '../checker.ts';
import { bodyOf, idOf } from '../exchange-facts.ts';
import type { WorldView } from '../world.ts';
import { storyOf } from './story.ts';

const PROMISE = 'one order, one certificate';

interface Seen {
  /** By order and CSR: what the CA was asked, and by which node. */
  readonly asked: Map<string, { readonly request: IssueRequest; readonly node: number }>;
  /** CSRs by order. */
  readonly csrs: Map<string, string>;
  readonly contested: Set<string>;
  /** Certificates by serial. */
  readonly made: Map<string, { readonly record: Record; readonly node: number }>;
  /** The serial that clients were told, by order. */
  readonly told: Map<string, { readonly serial: string; readonly node: number }>;
}

export function oneCertificate(): Checker {
  const seen: Seen = {
    asked: new Map(),
    csrs: new Map(),
    contested: new Set(),
    made: new Map(),
    told: new Map(),
  };
  return {
    name: 'one-certificate',
    watches: ['step', 'durable', 'reply', 'disk'],
    observe: (observation, world) => {
      switch (observation.kind) {
        case 'disk':
          forgetLost(seen, world);
          return undefined;
        case 'step':
          for (const effect of observation.effects) {
            if (effect.kind !== 'issue') continue;
            const finding = asks(seen, world, observation.node, effect.request);
            if (finding !== undefined) return finding;
          }
          return undefined;
        case 'durable':
          for (const { records } of observation.changes) {
            for (const record of records) {
              if (record.kind !== 'certificate') continue;
              const finding = makes(seen, world, observation.node, record);
              if (finding !== undefined) return finding;
            }
          }
          return undefined;
        case 'reply': {
          const { reply, node } = observation;
          if (reply.kind !== 'response' || reply.response.status >= 300) return undefined;
          const { route } = reply.response;
          if (route !== 'order' && route !== 'finalize') return undefined;
          return tells(seen, world, node, bodyOf(reply.response));
        }
        default:
          return undefined;
      }
    },
    atEnd: () => [],
  };
}

function asks(
  { asked, csrs, contested }: Seen,
  world: WorldView,
  node: number,
  request: IssueRequest,
): Finding | undefined {
  const { order, csr } = request;
  const known = csrs.get(order);
  if (known === undefined) csrs.set(order, csr);
  else if (known !== csr) contested.add(order);
  const key = `${order} ${csr}`;
  const before = asked.get(key);
  if (before === undefined) asked.set(key, { request, node });
  if (before === undefined || sameJson(plain(before.request), plain(request))) return undefined;
  const end =
    `n${before.node} had it made for ${periodOf(before.request)}, ` +
    `n${node} for ${periodOf(request)}`;
  return { promise: PROMISE, nodes: [before.node, node], story: storyOf(world, order, end) };
}

function makes(
  { made }: Seen,
  world: WorldView,
  node: number,
  record: Record,
): Finding | undefined {
  const before = made.get(record.id);
  if (before === undefined) made.set(record.id, { record, node });
  if (before === undefined || before.record.fields['made'] === record.fields['made']) {
    return undefined;
  }
  const [a, b] = [certificateMade(before.record), certificateMade(record)];
  const isSame =
    a.order === b.order &&
    a.spkiHash === b.spkiHash &&
    a.notBeforeMs === b.notBeforeMs &&
    a.notAfterMs === b.notAfterMs &&
    sameJson(a.identifiers as unknown as Json, b.identifiers as unknown as Json);
  if (isSame) return undefined;
  const end = `serial ${record.id} names one certificate on n${before.node}, another on n${node}`;
  return { promise: PROMISE, nodes: [before.node, node], story: storyOf(world, record.id, end) };
}

function tells(
  { told, contested }: Seen,
  world: WorldView,
  node: number,
  body: ReturnType<typeof bodyOf>,
): Finding | undefined {
  if (typeof body['certificate'] !== 'string') return undefined;
  const serial = idOf(body['certificate']);
  const order = idOf(body['finalize']);
  const before = told.get(order);
  if (before === undefined) told.set(order, { serial, node });
  if (before === undefined || before.serial === serial || contested.has(order)) return undefined;
  const end = `n${before.node} showed certificate ${before.serial}, n${node} shows ${serial}`;
  return { promise: PROMISE, nodes: [before.node, node], story: storyOf(world, order, end) };
}

/** Forgets what no disk knows of any more. */
function forgetLost({ asked, csrs, made, told }: Seen, { nodes }: WorldView): void {
  const isKnown = (kind: string, id: string, field: string): boolean => {
    return nodes.some(({ disk }) => disk.get(kind, id)?.fields[field] !== undefined);
  };
  for (const [key, { request }] of asked) {
    if (isKnown('order', request.order, 'csr')) continue;
    asked.delete(key);
    csrs.delete(request.order);
  }
  for (const order of told.keys()) {
    if (!isKnown('order', order, 'certificate')) told.delete(order);
  }
  for (const serial of made.keys())
    if (!isKnown('certificate', serial, 'made')) made.delete(serial);
}

function plain(request: IssueRequest): Json {
  return { ...request } as unknown as Json;
}

function periodOf({ notBeforeMs, notAfterMs, ca }: IssueRequest): string {
  return `CA ${ca}, from ${notBeforeMs} to ${notAfterMs ?? 'the end of the profile'}`;
}
