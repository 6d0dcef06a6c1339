// Tests of reading /proc.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  busyTicksIn,
  bytesIn,
  cpuMsOf,
  cpuTicksIn,
  ownCpuMs,
  residentBytesOf,
} from './process-usage.ts';

const stat = (name: string) =>
  `12 (${name}) S 1 12 12 0 -1 4194304 62 0 1 0 250 34 9 9 20 0 7 0 120738 430080 35`;

test('proc(5): a line without numbers in their places is refused', () => {
  assert.throws(() => cpuTicksIn('12 (node) S 1'), /unreadable/);
  assert.throws(() => bytesIn('Name: node\n', 'VmHWM'), /no VmHWM/);
});

test('proc(5): CPU time is utime + stime, whatever the command is called', () => {
  assert.is(cpuTicksIn(stat('node')), 284);
  assert.is(cpuTicksIn(stat('a) S 1 (b c')), 284);
});

test('proc(5): memory is given in kB of 1,024 bytes', () => {
  assert.is(bytesIn('VmPeak:\t 9 kB\nVmHWM:\t    1732 kB\nVmRSS:\t 5 kB\n', 'VmHWM'), 1732 * 1024);
});

test('proc(5): a machine is busy when it neither idles nor waits for disks', () => {
  assert.throws(() => busyTicksIn('cpu 1 2 3\n'), /unreadable/);
  assert.is(busyTicksIn('cpu  1 2 4 1000 2000 8 16 32 0 0\ncpu0 9 9 9 9 9 9 9 9\n'), 63);
});

test('the kernel and the process itself agree on the CPU time used', () => {
  const ticksBefore = cpuMsOf(process.pid);
  const before = ownCpuMs();
  while (ownCpuMs() - before < 100) Math.sqrt(ownCpuMs());
  const difference = cpuMsOf(process.pid) - ticksBefore - (ownCpuMs() - before);
  assert.ok(Math.abs(difference) <= 30, `they differ by ${difference} ms`);
  assert.ok(residentBytesOf(process.pid) > 1_000_000);
});

test.run();
