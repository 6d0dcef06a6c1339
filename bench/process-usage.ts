// What the kernel knows about a process: CPU time and memory, from /proc (proc(5)). Linux only.
// Invariant: figures cover all threads of the process, also those that have ended.
// Never here: a profile of where the time went.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system CPU time so far, in ms; the kernel counts in steps of 10 ms. */
export function cpuMsOf(pid: number): number {
  return cpuTicksIn(readFileSync(`/proc/${pid}/stat`, 'latin1')) * (1000 / ticksPerSecond);
}

/** utime + stime of a /proc/PID/stat line, in clock ticks. */
export function cpuTicksIn(stat: string): number {
  // The command name stands in parentheses and may hold anything, also blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (!Number.isInteger(ticks)) throw new Error(`unreadable process statistics: ${stat}`);
  return ticks;
}

/** CPU time of everything on this machine so far, in ms, all cores together. */
export function machineCpuMs(): number {
  return busyTicksIn(readFileSync('/proc/stat', 'latin1')) * (1000 / ticksPerSecond);
}

/** What is not idle or waiting for disks in a /proc/stat, in clock ticks. */
export function busyTicksIn(stat: string): number {
  // user nice system idle iowait irq softirq steal; guest time is part of user.
  const counts = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').slice(0, 8).map(Number);
  if (counts?.length !== 8) throw new Error('unreadable /proc/stat');
  return counts.reduce((sum, ticks) => sum + ticks, 0) - counts[3]! - counts[4]!;
}

/** Resident memory now, in bytes. */
export function residentBytesOf(pid: number): number {
  return bytesIn(readFileSync(`/proc/${pid}/status`, 'latin1'), 'VmRSS');
}

/** The most resident memory since the last reset, in bytes. */
export function peakResidentBytesOf(pid: number): number {
  return bytesIn(readFileSync(`/proc/${pid}/status`, 'latin1'), 'VmHWM');
}

/** Makes the peak start over from what is resident now. */
export function resetPeakResident(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** One line of a /proc/PID/status, in bytes. */
export function bytesIn(status: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`no ${name} in the process status`);
  return Number(kibibytes) * 1024;
}

/** CPU time of this process, in ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
