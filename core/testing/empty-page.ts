// A page that says nothing, as it travels: tests of liars put their lies into it. Never here: lies.

import { pageToJson } from '../crdt/page.ts';
import type { Json } from '../crdt/record.ts';

export const EMPTY_PAGE: { readonly [member: string]: Json } = pageToJson({
  base: new Map(),
  chain: '',
  since: null,
  known: null,
  records: [],
  floor: new Map(),
  next: null,
  complete: null,
  listing: null,
  clockMs: 0,
  isEstablished: true,
}) as { readonly [member: string]: Json };
