// A directory of members that a test starts as it goes, all of them ended with it; and what members
// must come to have. Never here: one member.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcmeClient } from './acme-client.ts';
import { Member, type MemberOptions, until } from './member.ts';

export type Start = (name: string, options?: Partial<MemberOptions>) => Promise<Member>;

/** Runs with a way to start members and their directory; ends all of them. */
export async function withMembers(
  run: (
    start: Start,
    atEnd: (close: () => Promise<void>) => void,
    directory: string,
  ) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'akamu-cluster-'));
  const closes: (() => Promise<void>)[] = [];
  try {
    await run(
      async (name, options = {}) => {
        const member = await Member.start({ directory, name, ...options });
        closes.push(() => member.close());
        return member;
      },
      (close) => closes.push(close),
      directory,
    );
  } finally {
    await Promise.all(closes.map((close) => close().catch(() => {})));
    rmSync(directory, { recursive: true });
  }
}

/** Whether a node can serve a certificate. */
export async function serves(
  client: AcmeClient,
  at: Member,
  url: string,
  pem: string,
): Promise<boolean> {
  const reply = await client.post(at, url);
  return reply.status === 200 && reply.text === pem;
}

export async function receives(
  client: AcmeClient,
  at: Member,
  url: string,
  pem: string,
): Promise<void> {
  await until(
    () => serves(client, at, url, pem),
    () => `${at.url} never had ${url}:\n${at.lines.join('\n')}`,
  );
}
