// Every checker that looks on by default, one question each.
// Invariant: append only; the order decides who reports first. Never here: checks.

import type { CheckerFactory } from '../checker.ts';
import { answers } from './answers.ts';
import { control } from './control.ts';
import { convergence } from './convergence.ts';
import { crl } from './crl.ts';
import { dots } from './dots.ts';
import { durability } from './durability.ts';
import { durableBeforeVisible } from './durable-before-visible.ts';
import { firstContact } from './first-contact.ts';
import { leases } from './leases.ts';
import { liveness } from './liveness.ts';
import { members } from './members.ts';
import { monotonicitySeen } from './monotonicity-seen.ts';
import { monotonicityStored } from './monotonicity-stored.ts';
import { nonceSingleUse } from './nonce-single-use.ts';
import { oneCertificate } from './one-certificate.ts';
import { readYourWrites } from './read-your-writes.ts';
import { refusals } from './refusals.ts';
import { resurrection } from './resurrection.ts';
import { sessions } from './sessions.ts';
import { situations } from './situations.ts';
import { vector } from './vector.ts';

export const CHECKERS: readonly CheckerFactory[] = [
  durability,
  monotonicityStored,
  monotonicitySeen,
  oneCertificate,
  nonceSingleUse,
  readYourWrites,
  durableBeforeVisible,
  dots,
  vector,
  resurrection,
  convergence,
  liveness,
  crl,
  answers,
  situations,
  control,
  leases,
  sessions,
  members,
  firstContact,
  refusals,
];
