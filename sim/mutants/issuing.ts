// Defects of the authority: probes, certificates, revocations and revocation lists.
// Invariant and never here: see mutant.ts.

import type { IssuedCertificate } from '../../core/acme/issuance.ts';
import { fromBase64, fromUtf8, toBase64, toUtf8 } from '../../core/bytes.ts';
import type { Record } from '../../core/crdt/record.ts';
import { originOf } from '../check/story.ts';
import type { Machine } from '../machine.ts';
import {
  type Damage,
  everyNth,
  type Mutant,
  membersOf,
  onEffect,
  onInput,
  onRecord,
  onStep,
  type Step,
} from './mutant.ts';

const REISSUES = { sticky: 0, crashesPerHour: 1200, faultSecs: 1, flowsPerHour: 2400 } as const;

export const ISSUING: readonly Mutant[] = [
  {
    name: 'work is taken over before its lease has lapsed',
    what: 'each node takes leases for good for a second, where the others say ten',
    catchers: ['leases'],
    seeds: 40,
    options: { ...REISSUES, faultSecs: 8, ownershipTtlSecs: 10 },
    build: (sound) => ({
      ...sound,
      createNode: (machine, stage) => {
        const hasty = { ...stage.options, ownershipTtlSecs: 1 };
        return sound.createNode(machine, Object.create(stage, { options: { value: hasty } }));
      },
    }),
  },
  {
    name: 'certificates differ by the node that issues them',
    what: 'the end of validity depends on the node',
    catchers: ['one-certificate'],
    seeds: 40,
    options: REISSUES,
    build: issuesOtherwise((certificate, machine) => {
      return withPeriod(certificate, { notAfterMs: certificate.notAfterMs + machine.index * 1000 });
    }),
  },
  {
    name: 'certificates differ by the moment of issuance',
    what: 'validity begins by the clock of the node and not by the order',
    catchers: ['one-certificate'],
    seeds: 40,
    options: REISSUES,
    build: issuesOtherwise((certificate, machine) => {
      return withPeriod(certificate, { notBeforeMs: machine.now().wallMs });
    }),
  },
  {
    name: 'serial numbers are used again',
    what: 'every second certificate gets the serial number of the one before',
    catchers: ['one-certificate', 'monotonicity-stored'],
    seeds: 24,
    build: (sound) => {
      const isAgain = everyNth(2);
      let last = '';
      return issuesOtherwise((certificate) => {
        const serial = isAgain() ? last : certificate.serial;
        last = serial;
        return { ...certificate, serial };
      })(sound);
    },
  },
  {
    name: 'certificates are not stored',
    what: 'the record of a certificate is left out of the commit that makes its order valid',
    catchers: ['durable-before-visible', 'dots', 'answers'],
    seeds: 1,
    build: onRecord((record, _, { machine }) => {
      const isOwn = record.dot.origin === originOf(machine.disk);
      return record.kind === 'certificate' && isOwn ? undefined : record;
    }),
  },
  {
    name: 'a certificate that was made is thrown away',
    what: 'each fifth result of the CA is ignored',
    catchers: ['liveness: clients'],
    seeds: 1,
    build: swallows('issued', 5),
  },
  {
    name: 'the result of a probe is ignored',
    what: 'each fifth result of a validation is thrown away',
    catchers: ['liveness: clients'],
    seeds: 1,
    build: swallows('validated', 5),
  },
  {
    name: 'challenges are valid without a probe',
    what: 'instead of probing, a node says at once that the answer was there',
    catchers: ['answers', 'control'],
    seeds: 1,
    build: onStep(probesNothing),
  },
  {
    name: 'a failed probe counts as passed',
    what: 'the result of every validation is taken as a success',
    catchers: ['control'],
    seeds: 2,
    options: { serverFailPpm: 200_000 },
    build: onInput((input) => {
      return input.kind === 'validated' ? { ...input, result: { ok: true } } : input;
    }),
  },
  {
    name: 'wildcards are validated over HTTP',
    what: 'the challenge of a wildcard is probed as http-01',
    catchers: ['control'],
    seeds: 3,
    build: onEffect(() => (effect) => {
      if (effect.kind !== 'validate' || !effect.request.wildcard) return [effect];
      return [{ ...effect, request: { ...effect.request, type: 'http-01' } }];
    }),
  },
  {
    name: 'work under way is not taken up after a restart',
    what: 'what a process would probe or issue anew when it starts is dropped',
    catchers: ['liveness: clients'],
    seeds: 4,
    options: { crashesPerHour: 1200, faultSecs: 1, flowsPerHour: 2400, nodes: 1 },
    build: onEffect(({ machine }) => (effect, input) => {
      const isWork = effect.kind === 'issue' || effect.kind === 'validate';
      const isStart = input.kind === 'boot' || input.kind === 'loaded';
      return machine.boot > 1 && isWork && isStart ? [] : [effect];
    }),
  },
  {
    name: 'a revocation is acknowledged and dropped',
    what: 'a revoked certificate goes to the disk as valid',
    catchers: ['crl', 'answers', 'dots'],
    seeds: 2,
    build: onRecord(unrevoked),
  },
  {
    name: 'revocation lists lack the newest revocation',
    what: 'a list is built without the last serial number',
    catchers: ['crl'],
    seeds: 2,
    build: listsShort,
  },
  {
    name: 'numbers of revocation lists go back',
    what: 'each list gets a number one below that of the list before',
    catchers: ['crl'],
    seeds: 2,
    build: onStep(numbersBack),
  },
];

/** The same certificate, valid at other times, as it itself says too. */
function withPeriod(
  certificate: IssuedCertificate,
  period: Partial<Pick<IssuedCertificate, 'notBeforeMs' | 'notAfterMs'>>,
): IssuedCertificate {
  const leaf = JSON.parse(fromUtf8(fromBase64(certificate.der)!)!) as object;
  return {
    ...certificate,
    ...period,
    der: toBase64(toUtf8(JSON.stringify({ ...leaf, ...period }))),
  };
}

function issuesOtherwise(
  change: (certificate: IssuedCertificate, machine: Machine) => IssuedCertificate,
): Damage {
  return (sound) => {
    const machines = new Map<number, Machine>();
    return {
      ...sound,
      createNode: (machine, stage) => {
        machines.set(machine.index, machine);
        return sound.createNode(machine, stage);
      },
      issue: (request, node) => {
        const result = sound.issue(request, node);
        if (!result.ok) return result;
        return { ok: true, certificate: change(result.certificate, machines.get(node)!) };
      },
    };
  };
}

function swallows(kind: 'issued' | 'validated', each: number): Damage {
  return (sound) => {
    const isLost = everyNth(each);
    return onInput((input) => (input.kind === kind && isLost() ? undefined : input))(sound);
  };
}

function probesNothing(step: Step): Step {
  const proven: Step = (now, input) => {
    return step(now, input).flatMap((effect) => {
      if (effect.kind !== 'validate') return [effect];
      const { authorization, request } = effect;
      const { type } = request;
      return proven(now, { kind: 'validated', authorization, type, result: { ok: true } });
    });
  };
  return proven;
}

function unrevoked(record: Record): Record {
  if (record.kind !== 'certificate' || record.fields['status'] !== 'revoked') return record;
  const { revocation: _, ...fields } = record.fields;
  return { ...record, fields: { ...fields, status: 'valid' } };
}

function listsShort(sound: Parameters<Damage>[0]): ReturnType<Damage> {
  let isWatched = false;
  return {
    ...sound,
    createNode: (machine, stage) => {
      if (!isWatched) {
        isWatched = true;
        const build = stage.buildCrl.bind(stage);
        stage.buildCrl = (builder, effect) => shortened(build(builder, effect), builder);
      }
      return sound.createNode(machine, stage);
    },
  };
}

/** The list without the certificate that was revoked last. */
function shortened(der: Uint8Array, { disk }: Machine): Uint8Array {
  const list = JSON.parse(fromUtf8(der)!) as { readonly revoked: readonly string[] };
  const momentOf = (serial: string): string => {
    return String(membersOf(disk.get('certificate', serial)?.fields['revocation'])?.['at']);
  };
  const [newest] = [...list.revoked].sort((a, b) => (momentOf(a) < momentOf(b) ? 1 : -1));
  return toUtf8(JSON.stringify({ ...list, revoked: list.revoked.filter((s) => s !== newest) }));
}

function numbersBack(step: Step): Step {
  const real = new Map<number, number>();
  let last: number | undefined;
  return (now, input) => {
    const number = input.kind === 'crl-built' ? real.get(input.number) : undefined;
    const told = input.kind === 'crl-built' && number !== undefined ? { ...input, number } : input;
    return step(now, told).map((effect) => {
      if (effect.kind !== 'build-crl') return effect;
      last = last === undefined ? effect.number : last - 1;
      real.set(last, effect.number);
      return { ...effect, number: last };
    });
  };
}
