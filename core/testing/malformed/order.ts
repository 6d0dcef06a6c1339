// Malformed orders: identifiers, times, CSRs (RFC 8555 §7.1.3, §7.4; RFC 8738 §3).

import { LIMITS } from '../../limits.ts';
import { type JsonBody, path } from '../client.ts';
import { encodeCsr } from '../rig.ts';
import { type Row, row, type Scene } from './scene.ts';

const NAME = { type: 'dns', value: 'new.example.com' };
const READY = [{ type: 'dns', value: 'ready.example.com' }] as const;

const ordered = (payload: JsonBody) => (scene: Scene) => scene.signed('/acme/new-order', payload);
const identifier = (value: unknown) => (scene: Scene) => scene.order(value);
const dns = (value: string) => identifier({ type: 'dns', value });
const ip = (value: string) => identifier({ type: 'ip', value });
const period = (extra: JsonBody) => (scene: Scene) => scene.order(NAME, extra);
const csr = (value: unknown) => (scene: Scene) => scene.finalize({ csr: value });
const named = (...values: string[]) => {
  const names = values.map((value) => ({ type: 'dns', value }) as const);
  return csr(encodeCsr({ names, spkiHash: 'leaf' }));
};
const rejected = (what: string, detail: RegExp, make: Row['make']): Row => {
  return row(what, 'rejectedIdentifier', detail, make);
};

const IDENTIFIERS: readonly Row[] = [
  row('an order of nothing', 'malformed', /"identifiers" must/, ordered({})),
  row('an order of an empty list', 'malformed', /at least one/, ordered({ identifiers: [] })),
  row('an order of null', 'malformed', /"identifiers" must/, ordered({ identifiers: null })),
  row(
    'an order of a text',
    'malformed',
    /"identifiers" must/,
    ordered({ identifiers: 'a.example' }),
  ),
  row('an order of one object', 'malformed', /"identifiers" must/, ordered({ identifiers: NAME })),
  row('an order of 101 names', 'malformed', /at most 100/, (scene) => {
    return scene.signed('/acme/new-order', { identifiers: new Array(101).fill(NAME) });
  }),
  row('an identifier that is text', 'malformed', /is an object/, identifier('a.example')),
  row('an identifier that is null', 'malformed', /is an object/, identifier(null)),
  row('an identifier that is a list', 'malformed', /is an object/, identifier(['dns', 'a'])),
  row('an identifier without type', 'malformed', /string "type"/, identifier({ value: 'a' })),
  row('an identifier without value', 'malformed', /string "value"/, identifier({ type: 'dns' })),
  row('a value that is a number', 'malformed', /string "value"/, identifier({ ...NAME, value: 1 })),
  row(
    'a type that is unknown',
    'unsupportedIdentifier',
    /use dns or ip/,
    identifier({ ...NAME, type: 'email' }),
  ),
  row(
    'a type in capitals',
    'unsupportedIdentifier',
    /use dns or ip/,
    identifier({ ...NAME, type: 'DNS' }),
  ),
  row(
    'a type that every object has',
    'unsupportedIdentifier',
    /dns or ip/,
    identifier({ ...NAME, type: 'constructor' }),
  ),
  rejected('an empty name', /is empty/, dns('')),
  rejected('a name with a last dot', /ends with a dot/, dns('a.example.')),
  rejected('a name with an empty label', /not a DNS name/, dns('a..example')),
  rejected('a name with a space', /not a DNS name/, dns('a b.example')),
  rejected('a name with a port', /not a DNS name/, dns('a.example:443')),
  rejected('a URL as a name', /not a DNS name/, dns('https://a.example/')),
  rejected('an address of mail as a name', /not a DNS name/, dns('me@a.example')),
  rejected('a name in its own script', /A-labels/, dns('bücher.example')),
  rejected('a name with a letter that looks like k', /A-labels/, dns('\u212Aa.example')),
  rejected('a label that begins with a hyphen', /not a DNS name/, dns('-a.example')),
  rejected('a label of 64 letters', /not a DNS name/, dns(`${'a'.repeat(64)}.example`)),
  rejected('a name of 254 letters', /longer than 253/, dns(`${'a.'.repeat(126)}aa`)),
  rejected('a name of 50,000 letters', /longer than 253/, dns('a'.repeat(50_000))),
  rejected('a name with a line end', /not a DNS name/, dns('a.example\n')),
  rejected('a star alone', /not a DNS name/, dns('*')),
  rejected('a star in the middle', /not a DNS name/, dns('a.*.example')),
  rejected('two stars', /not a DNS name/, dns('*.*.example')),
  rejected('part of a label as wildcard', /not a DNS name/, dns('a*.example')),
  rejected('an IPv4 address as a name', /use type ip/, dns('192.0.2.1')),
  rejected('an IPv6 address as a name', /use type ip/, dns('2001:db8::1')),
  rejected('a name with a numeric end', /numeric label/, dns('a.1')),
  rejected('an address in one number', /numeric label/, dns('3221225985')),
  rejected('a name as an address', /not an IP address/, ip('a.example')),
  rejected('an address with leading zeros', /not an IP address/, ip('192.0.02.1')),
  rejected('an address with a length', /not an IP address/, ip('192.0.2.0/24')),
  rejected('an address with a zone', /not an IP address/, ip('fe80::1%eth0')),
  rejected('an address in brackets', /not an IP address/, ip('[::1]')),
  rejected('an address of three parts', /not an IP address/, ip('192.0.2')),
  rejected(
    'a bad name among good ones',
    /"a b"/,
    ordered({ identifiers: [NAME, { ...NAME, value: 'a b' }] }),
  ),
];

const PERIOD: readonly Row[] = [
  row('notBefore that is no time', 'malformed', /"notBefore" is not/, period({ notBefore: 'now' })),
  row(
    'notBefore as a number',
    'malformed',
    /"notBefore" must/,
    period({ notBefore: 1_800_000_000 }),
  ),
  row('notBefore that is null', 'malformed', /"notBefore" must/, period({ notBefore: null })),
  row(
    'notAfter without zone',
    'malformed',
    /"notAfter" is not/,
    period({ notAfter: '2027-02-01T00:00:00' }),
  ),
  row(
    'notAfter on 30 February',
    'malformed',
    /"notAfter" is not/,
    period({ notAfter: '2027-02-30T00:00:00Z' }),
  ),
  row(
    'notAfter at hour 24',
    'malformed',
    /"notAfter" is not/,
    period({ notAfter: '2027-02-01T24:00:00Z' }),
  ),
  row(
    'notAfter with an offset of 99 hours',
    'malformed',
    /is not/,
    period({ notAfter: '2027-02-01T00:00:00+99:00' }),
  ),
  row(
    'notAfter in the past',
    'malformed',
    /in the future/,
    period({ notAfter: '2020-01-01T00:00:00Z' }),
  ),
  row(
    'notAfter too far ahead',
    'malformed',
    /90 days/,
    period({ notAfter: '2028-01-01T00:00:00Z' }),
  ),
  row(
    'notBefore too far ahead',
    'malformed',
    /too far/,
    period({ notBefore: '2029-01-01T00:00:00Z' }),
  ),
  row('notBefore long ago', 'malformed', /too far/, period({ notBefore: '1970-01-01T00:00:00Z' })),
  row(
    'a period that ends before it starts',
    'malformed',
    /after "notBefore"/,
    period({
      notBefore: '2027-02-02T00:00:00Z',
      notAfter: '2027-02-01T00:00:00Z',
    }),
  ),
  row(
    'a period in the year 9999',
    'malformed',
    /too far/,
    period({ notBefore: '9999-12-31T23:59:59Z' }),
  ),
];

const CSR: readonly Row[] = [
  row('finalize without csr', 'malformed', /needs a payload with a "csr"/, (s) => s.finalize({})),
  row('a csr that is null', 'malformed', /"csr" must be a string/, csr(null)),
  row('a csr that is an object', 'malformed', /"csr" must be a string/, csr({})),
  row('a csr with padding', 'malformed', /not unpadded base64url/, csr('AAA=')),
  row('a csr in PEM', 'malformed', /base64url/, csr('-----BEGIN CERTIFICATE REQUEST-----')),
  row('an empty csr', 'badCSR', /not what the test CA reads/, csr('')),
  row('octets that are no csr', 'badCSR', /not what the test CA reads/, csr('MAAA')),
  row('a csr that is too large', 'badCSR', /too large/, csr('A'.repeat(LIMITS.csrLength + 4))),
  row('a csr without names', 'badCSR', /lacks dns:ready/, named()),
  row('a csr for another name', 'badCSR', /too many/, named('other.example.com')),
  row('a csr with a name too many', 'badCSR', /too many/, named('ready.example.com', 'a.example')),
  row('a csr for a wildcard', 'badCSR', /\*\.ready/, named('*.ready.example.com')),
  row(
    'a csr with a key of the CA',
    'badCSR',
    /of this CA/,
    csr(encodeCsr({ names: READY, spkiHash: 'ca-key' })),
  ),
  row('a csr for an order that is pending', 'orderNotReady', /pending/, (scene) => {
    return scene.signed(path(scene.pending['finalize']), { csr: 'MAAA' });
  }),
  row(
    'a csr for no order',
    'malformed',
    /no such order/,
    (scene) => {
      return scene.signed('/acme/order/none/finalize', { csr: 'MAAA' });
    },
    404,
  ),
  row(
    'a look at no order',
    'malformed',
    /no such order/,
    (scene) => {
      return scene.signed('/acme/order/none', undefined);
    },
    404,
  ),
  row(
    'a look at no certificate',
    'malformed',
    /no such certificate/,
    (scene) => {
      return scene.signed('/acme/cert/00', undefined);
    },
    404,
  ),
];

export const ORDER: readonly Row[] = [...IDENTIFIERS, ...PERIOD, ...CSR];
