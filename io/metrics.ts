// Counters, gauges and histograms in the Prometheus text format (version 0.0.4).
// Invariant: one table names every metric, its labels and the values they may have; a value beyond
// its bound is counted as "other", so the number of series is bounded whatever clients send.
// Never here: deciding what to measure, HTTP.

/** The values a label may have: a closed set, or how many different ones at most. */
type LabelValues = readonly string[] | number;
interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
}

/** Upper bounds in seconds: from one store commit to a slow DNS lookup. */
const BUCKETS_SECONDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
const OTHER = 'other';
const MAX_SHORT_CUTS = 2_000;
/** How often the event loop is asked whether it is late. */
const TICK_MS = 20;

export const METRICS = {
  akamu_http_requests_total: {
    type: 'counter',
    help: 'HTTP requests answered, by route and status.',
    labels: { route: 64, status: 40 },
  },
  akamu_http_request_seconds: {
    type: 'histogram',
    help: 'Time from a request to its answer.',
    labels: {},
  },
  akamu_acme_problems_total: {
    type: 'counter',
    help: 'Problem documents sent, by type (RFC 8555 section 6.7).',
    labels: { type: 48 },
  },
  akamu_certificates_issued_total: {
    type: 'counter',
    help: 'Certificates issued by this node.',
    labels: {},
  },
  akamu_certificates_revoked_total: {
    type: 'counter',
    help: 'Certificates revoked through this node.',
    labels: {},
  },
  akamu_operator_commands_total: {
    type: 'counter',
    help: 'Commands of operators this node has taken, by what they want.',
    labels: { command: 16 },
  },
  akamu_validations_total: {
    type: 'counter',
    help: 'Challenges validated by this node, by type and outcome.',
    labels: { type: ['http-01', 'dns-01', 'tls-alpn-01'], outcome: ['valid', 'invalid', 'retry'] },
  },
  akamu_store_reads_total: {
    type: 'counter',
    help: 'Queries that read from the database.',
    labels: {},
  },
  akamu_store_commits_total: {
    type: 'counter',
    help: 'Transactions committed to the database.',
    labels: {},
  },
  akamu_store_records_written_total: {
    type: 'counter',
    help: 'Records written to the database.',
    labels: {},
  },
  akamu_store_commit_seconds: {
    type: 'histogram',
    help: 'Time of a transaction until it is durable.',
    labels: {},
  },
  akamu_core_inputs_total: {
    type: 'counter',
    help: 'Inputs the core has taken, by kind.',
    labels: { kind: 48 },
  },
  akamu_core_cache_records: {
    type: 'gauge',
    help: 'Records in the cache of the core.',
    labels: {},
  },
  akamu_core_parked_inputs: {
    type: 'gauge',
    help: 'Inputs that wait for records from the database.',
    labels: {},
  },
  akamu_gossip_members: {
    type: 'gauge',
    help: 'Other nodes of the cluster that this node knows.',
    labels: {},
  },
  akamu_gossip_exchanges_total: {
    type: 'counter',
    help: 'Exchanges this node began with peers, by node id and outcome.',
    labels: { peer: 128, outcome: ['told', 'unreachable'] },
  },
  akamu_gossip_sealed_instead_total: {
    type: 'counter',
    help: 'Short exchanges that had to be sealed as the fast channel did not take them, by node id.',
    labels: { peer: 128 },
  },
  akamu_gossip_asked_total: {
    type: 'counter',
    help: 'Exchanges peers began with this node.',
    labels: {},
  },
  akamu_gossip_peer_reachable: {
    type: 'gauge',
    help: 'Whether the last exchange with a peer succeeded, by node id.',
    labels: { peer: 128 },
  },
  akamu_gossip_peer_lag_events: {
    type: 'gauge',
    help: 'Events of a peer that this node knows of and has not merged, by node id.',
    labels: { peer: 128 },
  },
  akamu_gossip_peer_clock_skew_seconds: {
    type: 'gauge',
    help: 'How far the clock of a peer is ahead of ours, whole seconds, by node id.',
    labels: { peer: 128 },
  },
  akamu_gossip_leases: {
    type: 'gauge',
    help: 'Orders and authorizations that some node of the cluster works on.',
    labels: {},
  },
  akamu_gossip_sealed_bytes_total: {
    type: 'counter',
    help: 'Octets of sealed messages, by direction.',
    labels: { direction: ['in', 'out'] },
  },
  akamu_gossip_refusals_total: {
    type: 'counter',
    help: 'Messages of peers that were refused, by reason.',
    labels: { reason: 32 },
  },
  akamu_gossip_redemptions_total: {
    type: 'counter',
    help: 'Nonces of other nodes that clients brought here, by outcome of asking their issuer.',
    labels: { outcome: ['redeemed', 'unredeemed'] },
  },
  akamu_gossip_redemption_seconds: {
    type: 'histogram',
    help: 'Time of asking the issuer of a nonce until its answer.',
    labels: {},
  },
  akamu_event_loop_lag_max_seconds: {
    type: 'gauge',
    help: 'Longest delay of the event loop since the last scrape.',
    labels: {},
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Resident memory of the process.',
    labels: {},
  },
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'User and system CPU time of the process.',
    labels: {},
  },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the process started, since the Unix epoch.',
    labels: {},
  },
} as const;

export type MetricName = keyof typeof METRICS;
type NameOf<Type> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends Type ? N : never;
}[MetricName];
type LabelsOf<N extends MetricName> = {
  readonly [L in keyof (typeof METRICS)[N]['labels']]: string;
};
/** Labels are given exactly where the table has them. */
type LabelArguments<N extends MetricName> = keyof LabelsOf<N> extends never
  ? [labels?: Readonly<Record<string, never>>]
  : [labels: LabelsOf<N>];

export interface Metrics {
  /** `by` is not negative; 1 without it. */
  readonly increment: <N extends NameOf<'counter'>>(
    name: N,
    ...rest: [...LabelArguments<N>, by?: number]
  ) => void;
  readonly set: <N extends NameOf<'gauge'>>(
    name: N,
    value: number,
    ...rest: LabelArguments<N>
  ) => void;
  /** Seconds. */
  readonly observe: <N extends NameOf<'histogram'>>(
    name: N,
    value: number,
    ...rest: LabelArguments<N>
  ) => void;
  /** The exposition. It starts a new interval for the longest event loop delay. */
  readonly render: () => string;
}

export const METRICS_CONTENT_TYPE: string = 'text/plain; version=0.0.4; charset=utf-8';

/** What the process itself says at a scrape. */
export type ProcessSample = Readonly<
  Record<
    | 'akamu_event_loop_lag_max_seconds'
    | 'process_resident_memory_bytes'
    | 'process_cpu_seconds_total'
    | 'process_start_time_seconds',
    number
  >
>;

interface Series {
  readonly labels: string;
  value: number;
  /** Of a histogram: how many observations fell into each bucket and not into a smaller one. */
  readonly buckets: number[];
  count: number;
}

export function createMetrics(sample: () => ProcessSample = processSampler()): Metrics {
  const registry = new Registry();
  return {
    increment: (name, ...rest) => {
      const { labels, by } = splitArguments(rest);
      if (by >= 0) registry.series(name, labels).value += by;
    },
    set: (name, value, ...rest) => {
      registry.series(name, rest[0]).value = value;
    },
    observe: (name, value, ...rest) => observe(registry.series(name, rest[0]), value),
    render: () => {
      for (const [name, value] of Object.entries(sample())) {
        registry.series(name as MetricName, undefined).value = value;
      }
      return registry.render();
    },
  };
}

/** Samples this process. Its timer does not keep the process alive. */
export function processSampler(): () => ProcessSample {
  const startTimeSeconds = Math.round(Date.now() / 1000 - process.uptime());
  let dueMs = performance.now() + TICK_MS;
  let lagMs = 0;
  const tick = (): void => {
    lagMs = Math.max(lagMs, performance.now() - dueMs);
    dueMs = performance.now() + TICK_MS;
  };
  setInterval(tick, TICK_MS).unref();
  return () => {
    const { user, system } = process.cpuUsage();
    // A scrape that was itself kept waiting counts too.
    const longestMs = Math.max(0, lagMs, performance.now() - dueMs);
    lagMs = 0;
    return {
      akamu_event_loop_lag_max_seconds: longestMs / 1000,
      process_resident_memory_bytes: process.memoryUsage.rss(),
      process_cpu_seconds_total: (user + system) / 1e6,
      process_start_time_seconds: startTimeSeconds,
    };
  };
}

type Labels = Readonly<Record<string, string>> | undefined;

/** The one place that holds and changes values. */
class Registry {
  readonly #series: Map<string, Map<string, Series>> = new Map();
  readonly #seen: Map<string, Set<string>> = new Map();
  /** Series by name and label values as they were given: a short cut, since labels cost. */
  readonly #known: Map<string, Series> = new Map();

  constructor() {
    for (const [name, metric] of Object.entries(METRICS)) {
      this.#series.set(name, new Map());
      // A metric without labels is there from the start, at 0.
      if (Object.keys(metric.labels).length === 0) this.series(name as MetricName, undefined);
    }
  }

  series(name: MetricName, labels: Labels): Series {
    let given: string = name;
    for (const label in labels) given += `\0${labels[label]}`;
    const known = this.#known.get(given);
    if (known !== undefined) return known;
    const found = this.#find(name, labels);
    if (this.#known.size < MAX_SHORT_CUTS) this.#known.set(given, found);
    return found;
  }

  #find(name: MetricName, labels: Labels): Series {
    const parts: string[] = [];
    for (const [label, values] of Object.entries<LabelValues>(METRICS[name].labels)) {
      const value = this.#bounded(`${name} ${label}`, values, labels?.[label] ?? OTHER);
      parts.push(`${label}="${escapeLabel(value)}"`);
    }
    const key = parts.join(',');
    const all = this.#series.get(name) ?? new Map<string, Series>();
    let found = all.get(key);
    if (found === undefined) {
      found = { labels: key, value: 0, buckets: BUCKETS_SECONDS.map(() => 0), count: 0 };
      all.set(key, found);
    }
    return found;
  }

  render(): string {
    const blocks = Object.entries<Metric>(METRICS).map(([name, { type, help }]) => {
      const all = [...(this.#series.get(name)?.values() ?? [])];
      const samples = all.flatMap((series) =>
        type === 'histogram'
          ? histogramLines(name, series)
          : [line(name, series.labels, series.value)],
      );
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples].join('\n');
    });
    return `${blocks.join('\n')}\n`;
  }

  #bounded(id: string, values: LabelValues, value: string): string {
    if (typeof values !== 'number') return values.includes(value) ? value : OTHER;
    const seen = this.#seen.get(id) ?? new Set<string>();
    this.#seen.set(id, seen);
    if (seen.has(value)) return value;
    if (seen.size >= values) return OTHER;
    seen.add(value);
    return value;
  }
}

function splitArguments(rest: readonly unknown[]): { labels: Labels; by: number } {
  const by = rest.find((each) => typeof each === 'number');
  const labels = rest.find((each) => typeof each === 'object' && each !== null);
  return { labels: labels as Labels, by: typeof by === 'number' ? by : 1 };
}

function observe(series: Series, value: number): void {
  if (!Number.isFinite(value)) return;
  series.value += value;
  series.count += 1;
  const bucket = BUCKETS_SECONDS.findIndex((bound) => value <= bound);
  if (bucket >= 0) series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
}

function histogramLines(name: string, series: Series): readonly string[] {
  const prefix = series.labels === '' ? '' : `${series.labels},`;
  let cumulative = 0;
  const buckets = BUCKETS_SECONDS.map((bound, index) => {
    cumulative += series.buckets[index] ?? 0;
    return line(`${name}_bucket`, `${prefix}le="${bound}"`, cumulative);
  });
  return [
    ...buckets,
    line(`${name}_bucket`, `${prefix}le="+Inf"`, series.count),
    line(`${name}_sum`, series.labels, series.value),
    line(`${name}_count`, series.labels, series.count),
  ];
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${value}`;
}

function escapeLabel(value: string): string {
  return value.slice(0, 128).replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
}
