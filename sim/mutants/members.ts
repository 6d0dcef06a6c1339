// Defects of membership: who is listened to, who is taken back, when a new node serves, and under
// which names events are numbered.
// Invariant and never here: see mutant.ts.

import { Contacts } from '../../core/cluster/contacts.ts';
import { Membership } from '../../core/cluster/membership.ts';
import type { Machine } from '../machine.ts';
import { Rotation } from '../rotation.ts';
import type { Stage } from '../stage.ts';
import { AS_IT_IS, type Damage, type Mutant, onEffect, type Patch, patch } from './mutant.ts';

export const MEMBERS: readonly Mutant[] = [
  {
    name: 'strangers are listened to',
    what: 'the shell takes messages of whoever sends them',
    catchers: ['members'],
    seeds: 2,
    options: { nodes: 4, joins: 2 },
    build: onEffect(({ stage }) => (effect) => {
      if (effect.kind !== 'members') return [effect];
      const { nodes } = stage.options;
      const everybody = Array.from({ length: nodes }, (_, index) => {
        const descriptor = { node: stage.idOf(index), url: `http://${stage.nodeName(index)}` };
        return { ...descriptor, kem: '', certificate: '', madeMs: 0 };
      });
      return [{ ...effect, members: everybody, removed: [] }];
    }),
  },
  {
    name: 'a removed node is taken back',
    what: 'the record of a removal is read as that of a member',
    catchers: ['members'],
    seeds: 6,
    failure: 12,
    options: { nodes: 4, removals: 2, ownershipTtlSecs: 10 },
    build: AS_IT_IS,
    patches: [
      patch(Membership, 'observe', (real) => {
        return function (this: Membership, record) {
          const { status: _, ...fields } = record.fields;
          const isOther = record.id !== this.self.node;
          real.call(
            this,
            isOther ? { ...record, fields: { ...fields, status: 'member' } } : record,
          );
        };
      }),
    ],
  },
  {
    name: 'a new node serves after the first page',
    what: 'whatever a peer has told counts as the first contact',
    catchers: ['first-contact'],
    seeds: 3,
    options: { nodes: 3, joins: 1, pageRecords: 2, flowsPerHour: 2400 },
    build: AS_IT_IS,
    patches: servesEarly(),
  },
  {
    name: 'a copy numbers its events as the original',
    what: 'a node that runs on a copied disk takes the incarnation of the node it was copied from',
    catchers: ['dots', 'nonce-single-use', 'vector', 'convergence'],
    seeds: 12,
    options: {
      livenessSecs: 900,
      nodes: 3,
      clonesPerHour: 200,
      faultSecs: 1,
      ownershipTtlSecs: 10,
    },
    build: sharesNames,
  },
  {
    name: 'a restored node keeps the key of its backup',
    what: 'the shell does not heed that others know a later key',
    catchers: ['liveness: convergence', 'liveness: clients', 'liveness: nodes'],
    seeds: 8,
    options: { nodes: 4, rotationsPerHour: 240, restoresPerHour: 240, livenessSecs: 900 },
    build: AS_IT_IS,
    patches: [
      patch(Rotation, 'run', (real) => {
        return function (this: Rotation, answer, afterMs) {
          if (afterMs === undefined) real.call(this, answer);
        };
      }),
    ],
  },
  {
    name: 'all nodes number revocation lists alike',
    what: 'the number of a list lacks the part that names its maker',
    catchers: ['crl'],
    seeds: 16,
    options: { nodes: 3, partitionsPerHour: 600, faultSecs: 5, operatorsPerHour: 3600 },
    build: onEffect(() => (effect) => {
      return effect.kind === 'build-crl' ? [{ ...effect, tag: 1 }] : [effect];
    }),
  },
];

function servesEarly(): readonly Patch[] {
  const told = new WeakSet<Contacts>();
  return [
    patch(Contacts, 'brought', (real) => {
      return function (this: Contacts, kinds) {
        told.add(this);
        real.call(this, kinds);
      };
    }),
    patch(Contacts, 'knowsEnough', (real) => {
      return function (this: Contacts, ...facts) {
        return real.call(this, ...facts) || told.has(this);
      };
    }),
  ];
}

/** Everything that a process draws at its start is drawn as by the first process of its id. */
function sharesNames(sound: Parameters<Damage>[0]): ReturnType<Damage> {
  return {
    ...sound,
    createNode: (machine, stage) => {
      const source = stage.nodeIndex(machine.id);
      if (source === machine.index) return sound.createNode(machine, stage);
      const own = {
        boot: { value: 1 },
        index: { value: source },
        descriptor: { value: machine.descriptor },
      };
      const same = Object.create(machine, own) as Machine;
      return sound.createNode(same, Object.create(stage) as Stage);
    },
  };
}
