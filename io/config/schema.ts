// Every setting of akamu.toml: the one table behind the parser, the example file, `akamu init`
// and the type of the configuration. Its big sections are in schema-front.ts and
// schema-issuing.ts. Invariant: typed by the interfaces of config.ts, so nothing can be missing.
// Never here: code.

import type { Config, DatabaseConfig, GossipConfig } from './config.ts';
import { ADMIN, DEBUG, LOG, SERVER, TLS } from './schema-front.ts';
import { CA, MTC, PROFILES } from './schema-issuing.ts';
import type { Keys } from './setting.ts';

const DATABASE: Keys<DatabaseConfig> = {
  url: {
    type: 'text',
    format: 'database-url',
    default: 'sqlite://data/akamu.db',
    doc: 'The database of this node alone: "sqlite://" and a path, "postgres://…" or "mariadb://…".',
    breaks: 'Two nodes on one database destroy it; a new database is a new node.',
  },
  max_connections: {
    type: 'integer',
    unit: 'count',
    min: 1,
    max: 100,
    derived: '1 for SQLite, 10 for others',
    example: 1,
    doc: 'How many connections to the database there are at most: one writes, the others read.',
    breaks: 'SQLite has one writer; a server database may refuse too many.',
  },
  require_tls: {
    type: 'flag',
    default: false,
    doc: 'Whether a database URL that does not enforce TLS is refused; SQLite needs none.',
    breaks: 'False lets records travel in clear to a database on another host.',
  },
};

const GOSSIP: Keys<GossipConfig> = {
  peers: {
    type: 'texts',
    format: 'peer-url',
    min: 0,
    max: 255,
    default: [],
    example: ['http://node2.acme.internal:8081', 'http://node3.acme.internal:8081'],
    doc: 'URLs of all other cluster nodes: the admin base URL, not the ACME URL.',
    breaks: 'A node that nobody lists hears of changes only from those it lists itself.',
  },
  advertise_url: {
    type: 'text',
    format: 'peer-url',
    optional: true,
    example: 'http://node1.acme.internal:8081',
    doc: 'Where nodes that do not list this one find it; without it, from [admin] listen_addr.',
    breaks: 'A URL the others cannot reach leaves them with the nodes they list themselves.',
  },
  interval_secs: {
    type: 'integer',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 15,
    doc: 'How often a gossip round runs.',
    breaks: 'Too long, and nodes answer from older state; too short, and idle nodes are busy.',
  },
  tombstone_ttl_secs: {
    type: 'integer',
    unit: 'seconds',
    min: 3600,
    max: 31536000,
    default: 604800,
    doc: 'How long tombstoned entries are kept before they are collected (7 days).',
    breaks: 'A node that was away longer must reconcile in full when it returns.',
  },
  ownership_ttl_secs: {
    type: 'integer',
    unit: 'seconds',
    min: 5,
    max: 86400,
    default: 150,
    doc: 'How long a node may own an order or a log slot before another may take over.',
    breaks: 'Too short, and nodes do work twice; too long, and the work of a dead node waits.',
  },
  fan_out: {
    type: 'integer',
    unit: 'count',
    min: 0,
    max: 255,
    default: 0,
    doc: 'How many peers a round talks to, in shuffled rotation; 0 means all.',
    breaks: 'In large clusters 0 costs traffic; too few, and changes travel slowly.',
  },
  clock_skew_tolerance_secs: {
    type: 'integer',
    unit: 'seconds',
    min: 1,
    max: 31536000,
    derived: 'tombstone_ttl_secs',
    example: 30,
    doc: 'How far the clock of a peer may be off before its messages are refused; 30 is recommended.',
    breaks:
      'Shorter than the real skew, and nodes refuse each other; longer, and clocks can drift.',
  },
  gossip_envelope_max_age_secs: {
    type: 'integer',
    unit: 'seconds',
    min: 5,
    max: 86400,
    default: 300,
    doc: 'How old a gossip message may be when it arrives.',
    breaks: 'Too short, and slow links lose messages; too long, and old ones are kept in mind.',
  },
};

export const SCHEMA: Keys<Config> = {
  listen_addr: {
    type: 'text',
    format: 'listen-address',
    default: '127.0.0.1:8443',
    doc: 'Where ACME clients connect: "host:port", or "unix:/path" for a socket.',
    breaks: 'The default answers this host only; others need "0.0.0.0:443" or the like.',
  },
  base_url: {
    type: 'text',
    format: 'base-url',
    default: 'https://localhost:8443',
    doc: 'The URL clients use for this CA, without a slash at the end; the same on every node.',
    breaks: 'Clients sign the URL they see: if it differs from this, every request is refused.',
  },
  database: {
    type: 'section',
    doc: 'Where this node keeps its records. Every node has a database of its own.',
    breaks: 'What is lost here and on no peer is lost.',
    keys: DATABASE,
  },
  ca: {
    type: 'sections',
    min: 1,
    max: 16,
    doc: 'A certificate authority; repeat the section for more.',
    breaks: 'All nodes of a cluster need the same CAs.',
    keys: CA,
  },
  server: {
    type: 'section',
    doc: 'What clients may do and how they are validated.',
    breaks: 'The same on every node, or the answer depends on the node.',
    keys: SERVER,
  },
  admin: {
    type: 'section',
    doc: 'The listener for operators, metrics and gossip.',
    breaks: 'It must not be public.',
    keys: ADMIN,
  },
  tls: {
    type: 'section',
    doc: 'TLS on listen_addr.',
    breaks: 'Clients refuse a server they cannot verify.',
    keys: TLS,
  },
  gossip: {
    type: 'section',
    optional: true,
    doc: 'Replication to the other nodes of a cluster; without this section the node is alone.',
    breaks: 'A node without it shares nothing.',
    keys: GOSSIP,
  },
  mtc: {
    type: 'section',
    doc: 'The issuance log.',
    breaks: 'A log, once published, must go on.',
    keys: MTC,
  },
  profiles: {
    type: 'section',
    doc: 'Kinds of certificates that clients may choose from.',
    breaks: 'A profile that is gone refuses the clients that ask for it.',
    keys: PROFILES,
  },
  log: {
    type: 'section',
    doc: 'The log on standard error.',
    breaks: 'Without it nobody knows.',
    keys: LOG,
  },
  debug: {
    type: 'section',
    doc: 'For those who hunt a fault.',
    breaks: 'Leave it empty in ordinary operation.',
    keys: DEBUG,
  },
};
