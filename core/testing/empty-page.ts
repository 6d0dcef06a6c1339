// A page and an ask that say nothing, as they travel: tests of liars put their lies into them.
// Never here: lies.

import { askToJson, pageToJson } from '../crdt/page.ts';
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

export const EMPTY_ASK: { readonly [member: string]: Json } = askToJson({
  origin: null,
  vector: new Map(),
  cursor: null,
  chain: '',
  listing: null,
  clockMs: 0,
}) as { readonly [member: string]: Json };
