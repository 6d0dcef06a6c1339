// What must hold between settings that are each right by themselves.
// Invariant: the built-in defaults satisfy every relation; a relation is a pure function of a whole
// configuration and names every setting it looked at, the one to change first.
// Never here: bounds of a single value (schema.ts), what this version cannot do (not-yet.ts).

import { collide, parseDatabaseUrl, parseListenAddress, urlOf } from './address.ts';
import type { Config, GossipConfig } from './config.ts';
import { quote } from './config-error.ts';
import { enforcesTls } from './database-url.ts';
import type { Path } from './locate.ts';
import { SERVER } from './schema-front.ts';

export interface Violation {
  /** Every setting involved. The first that the file names is the one that is pointed at. */
  readonly paths: readonly Path[];
  readonly message: string;
  readonly fix: string;
}

type Relation = (config: Config) => readonly Violation[];

const DAYS_PER_YEAR = 365;
/** A lease must survive a round that fails. */
const MIN_ROUNDS_PER_LEASE = 2;

const RELATIONS: readonly Relation[] = [
  listeners,
  serverTls,
  database,
  caIdentity,
  caValidity,
  files,
  eabKeys,
  admin,
  gossip,
  mtc,
];

export function violations(config: Config): readonly Violation[] {
  return RELATIONS.flatMap((relation) => relation(config));
}

function listeners({ listenAddr, admin }: Config): readonly Violation[] {
  const front = parseListenAddress(listenAddr);
  const back = parseListenAddress(admin.listenAddr);
  if (front === undefined || back === undefined || !collide(front, back)) return [];
  return violation(
    [['admin', 'listen_addr'], ['listen_addr']],
    'the ACME listener and the admin listener use one address',
    'give [admin] listen_addr another port',
  );
}

function serverTls({ listenAddr, baseUrl, tls }: Config): readonly Violation[] {
  const found: Violation[] = [];
  if (tls.enabled && parseListenAddress(listenAddr)?.kind === 'unix') {
    found.push({
      paths: [['tls', 'enabled'], ['listen_addr']],
      message: 'a Unix socket does not speak TLS',
      fix: 'set [tls] enabled = false and let the proxy before the socket speak TLS',
    });
  }
  if (tls.enabled && baseUrl.startsWith('http:')) {
    found.push({
      paths: [['base_url'], ['tls', 'enabled']],
      message: 'base_url says http, but the listener speaks TLS',
      fix: `write "https:${baseUrl.slice('http:'.length)}", or set [tls] enabled = false`,
    });
  }
  if (!tls.enabled && (tls.certFile ?? tls.keyFile ?? tls.clientAuth) !== undefined) {
    found.push({
      paths: [
        ['tls', 'enabled'],
        ['tls', 'cert_file'],
        ['tls', 'key_file'],
        ['tls', 'client_auth'],
      ],
      message: '[tls] is off, but has certificates',
      fix: 'set enabled = true, or remove cert_file, key_file and client_auth',
    });
  }
  return [...found, ...together(['tls'], 'cert_file', tls.certFile, 'key_file', tls.keyFile)];
}

function database({ database: { url, maxConnections, requireTls } }: Config): readonly Violation[] {
  const target = parseDatabaseUrl(url);
  if (target === undefined) return [];
  const { kind } = target;
  const isServer = kind === 'postgres' || kind === 'mariadb';
  if (!isServer && maxConnections !== 1) {
    return violation(
      [
        ['database', 'max_connections'],
        ['database', 'url'],
      ],
      'SQLite has one connection',
      'set max_connections = 1, or remove it',
    );
  }
  if (!isServer || !requireTls || enforcesTls(target)) return [];
  const parameter = kind === 'postgres' ? 'sslmode=verify-full' : 'ssl-mode=VERIFY_IDENTITY';
  return violation(
    [
      ['database', 'url'],
      ['database', 'require_tls'],
    ],
    'require_tls is on, but the URL does not enforce TLS',
    `add the parameter ${parameter} to the URL`,
  );
}

function caIdentity({ ca }: Config): readonly Violation[] {
  const found: Violation[] = [];
  for (const [index, { id }] of ca.entries()) {
    const first = ca.findIndex((other) => other.id === id);
    if (first === index) continue;
    found.push({
      paths: [
        ['ca', index, 'id'],
        ['ca', index],
        ['ca', first, 'id'],
      ],
      message: `two CAs have the id ${quote(id)}`,
      fix: 'give each [[ca]] an id of its own',
    });
  }
  const defaults = ca.flatMap(({ isDefault }, index) => (isDefault ? [index] : []));
  if (defaults.length === 1) return found;
  const culprit = defaults[1] ?? 0;
  const message = defaults.length === 0 ? 'no CA is the default' : 'two CAs are the default';
  const paths = [['ca', culprit, 'is_default'], ['ca', culprit], ...ca.map((_, i) => ['ca', i])];
  return [...found, { paths, message, fix: 'set is_default = true in exactly one [[ca]]' }];
}

function caValidity({ ca }: Config): readonly Violation[] {
  return ca.flatMap(({ validityDays, caValidityYears }, index) =>
    validityDays <= caValidityYears * DAYS_PER_YEAR
      ? []
      : violation(
          [
            ['ca', index, 'validity_days'],
            ['ca', index, 'ca_validity_years'],
          ],
          'certificates would outlive the CA',
          `set validity_days to at most ${caValidityYears * DAYS_PER_YEAR}`,
        ),
  );
}

/** No two settings may name one file: the second would overwrite the first. */
function files({ ca, tls, mtc, admin }: Config): readonly Violation[] {
  const named: readonly (readonly [Path, string | undefined])[] = [
    ...ca.flatMap((each, index): (readonly [Path, string])[] => [
      [['ca', index, 'key_file'], each.keyFile],
      [['ca', index, 'cert_file'], each.certFile],
      [['ca', index, 'root_key_file'], each.rootKeyFile],
      [['ca', index, 'root_cert_file'], each.rootCertFile],
    ]),
    [['tls', 'cert_file'], tls.certFile],
    [['tls', 'key_file'], tls.keyFile],
    [['mtc', 'signing_key', 'key_file'], mtc.signingKey?.keyFile],
    [['admin', 'bootstrap_operator_cert_file'], admin.bootstrapOperatorCertFile],
    [['admin', 'bootstrap_operator_key_file'], admin.bootstrapOperatorKeyFile],
  ];
  const seen = new Map<string, Path>();
  const found: Violation[] = [];
  for (const [path, file] of named) {
    if (file === undefined) continue;
    const first = seen.get(file);
    if (first === undefined) seen.set(file, path);
    else if (!bothRoots(first, path)) {
      const message = `${quote(file)} is both ${String(first.at(-1))} and ${String(path.at(-1))}`;
      found.push({ paths: [path, first], message, fix: 'give each a file of its own' });
    }
  }
  return found;
}

/** Several CAs may share one root. */
function bothRoots(left: Path, right: Path): boolean {
  return left.at(-1) === right.at(-1) && String(left.at(-1)).startsWith('root_');
}

/** The key in the example file is public. */
function eabKeys({ server }: Config): readonly Violation[] {
  const examples = Object.values('example' in SERVER.eab_keys ? SERVER.eab_keys.example : {});
  return [...server.eabKeys].flatMap(([kid, key]) =>
    examples.includes(key)
      ? violation(
          [['server', 'eab_keys', kid]],
          'this is the example key, which everybody knows',
          "make one with: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='",
        )
      : [],
  );
}

function admin({ admin: settings }: Config): readonly Violation[] {
  const pair = together(
    ['admin'],
    'bootstrap_operator_cert_file',
    settings.bootstrapOperatorCertFile,
    'bootstrap_operator_key_file',
    settings.bootstrapOperatorKeyFile,
  );
  if (settings.sessionLockSecs < settings.sessionTtlSecs) return pair;
  const paths = [
    ['admin', 'session_lock_secs'],
    ['admin', 'session_ttl_secs'],
  ];
  const message = 'a session would end before it is locked';
  return [...pair, { paths, message, fix: 'make session_lock_secs less than session_ttl_secs' }];
}

function gossip({ gossip: settings, baseUrl, admin }: Config): readonly Violation[] {
  if (settings === undefined) return [];
  const { intervalSecs, ownershipTtlSecs, tombstoneTtlSecs, peers } = settings;
  const found: Violation[] = [...reachability(settings, admin.listenAddr)];
  if (ownershipTtlSecs < MIN_ROUNDS_PER_LEASE * intervalSecs) {
    found.push({
      paths: [
        ['gossip', 'ownership_ttl_secs'],
        ['gossip', 'interval_secs'],
      ],
      message: 'ownership would end before other nodes hear of its renewal',
      fix: `set ownership_ttl_secs to at least ${MIN_ROUNDS_PER_LEASE * intervalSecs}`,
    });
  }
  if (tombstoneTtlSecs < ownershipTtlSecs) {
    found.push({
      paths: [
        ['gossip', 'tombstone_ttl_secs'],
        ['gossip', 'ownership_ttl_secs'],
      ],
      message: 'tombstones would be collected before ownership ends',
      fix: `set tombstone_ttl_secs to at least ${ownershipTtlSecs}`,
    });
  }
  const front = peers.indexOf(baseUrl);
  if (front < 0) return found;
  const message = 'a peer is named by the ACME URL';
  const fix = 'write the URL of its admin listener, such as "http://node2.acme.internal:8081"';
  return [...found, { paths: [['gossip', 'peers', front], ['base_url']], message, fix }];
}

/** Other nodes have to find the admin listener, and peers are others. */
function reachability(settings: GossipConfig, listenAddr: string): readonly Violation[] {
  const address = parseListenAddress(listenAddr);
  const isKnown = address?.kind === 'tcp' && address.port !== 0;
  const url = settings.advertiseUrl ?? (isKnown ? urlOf(address, 'localhost') : undefined);
  const self = url === undefined ? -1 : settings.peers.indexOf(url);
  if (self >= 0) {
    return violation(
      [
        ['gossip', 'peers', self],
        ['gossip', 'advertise_url'],
        ['admin', 'listen_addr'],
      ],
      'a peer is this node itself',
      'remove it: peers are the other nodes',
    );
  }
  if (address === undefined || url !== undefined) return [];
  return violation(
    [['gossip', 'advertise_url'], ['admin', 'listen_addr'], ['gossip']],
    address.kind === 'unix'
      ? 'other nodes cannot call a Unix socket'
      : 'other nodes cannot know a port that the system chooses',
    'set [gossip] advertise_url to the URL at which they reach it, such as ' +
      '"http://node1.acme.internal:8081"',
  );
}

function mtc({ mtc: settings }: Config): readonly Violation[] {
  const found = settings.cosigners.flatMap(({ trustAnchorId, cosignerIdCertPem }, index) =>
    trustAnchorId === undefined || cosignerIdCertPem !== undefined
      ? []
      : violation(
          [
            ['mtc', 'cosigners', index, 'trust_anchor_id'],
            ['mtc', 'cosigners', index, 'cosigner_id_cert_pem'],
          ],
          'a trust_anchor_id without a certificate proves nothing',
          'add cosigner_id_cert_pem, or remove trust_anchor_id',
        ),
  );
  if (settings.landmarkIntervalSecs >= settings.checkpointIntervalSecs) return found;
  const paths = [
    ['mtc', 'landmark_interval_secs'],
    ['mtc', 'checkpoint_interval_secs'],
  ];
  const message = 'landmarks would come more often than checkpoints';
  const fix = 'make landmark_interval_secs at least checkpoint_interval_secs';
  return [...found, { paths, message, fix }];
}

/** Two settings that are given together or not at all. */
function together(
  section: Path,
  left: string,
  leftValue: unknown,
  right: string,
  rightValue: unknown,
): readonly Violation[] {
  if ((leftValue === undefined) === (rightValue === undefined)) return [];
  const missing = leftValue === undefined ? left : right;
  const given = leftValue === undefined ? right : left;
  return violation(
    [
      [...section, given],
      [...section, missing],
    ],
    `${given} without ${missing}`,
    `add ${missing}, or remove ${given}`,
  );
}

function violation(paths: readonly Path[], message: string, fix: string): readonly Violation[] {
  return [{ paths, message, fix }];
}
