// `akamu serve`: opens the database and the CAs, starts the node and its two listeners, and stops
// them in order. Composition only. Invariant: nothing listens before the node can answer, and the
// database is closed last. Never here: anything that decides.

import type { Server as TlsServer } from 'node:https';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { type Config, type LoadResult, renderErrors } from '../io/config/index.ts';
import { createPrimitives } from '../io/crypto/primitives.ts';
import type { Log } from '../io/log.ts';
import { createMetrics, type Metrics } from '../io/metrics.ts';
import type { Store } from '../io/store/store.ts';
import { createValidator, type Validator } from '../io/validate/validator.ts';
import { adminServer, withHealth } from './admin.ts';
import { openAuthorities, rememberAuthorities } from './authorities.ts';
import type { CertificateAuthority } from './ca/ca.ts';
import { readCertificate } from './ca/certificate.ts';
import { readCsr } from './ca/csr.ts';
import { readPublicKey } from './ca/public-key.ts';
import { Engine } from './engine.ts';
import type { ClusterOptions } from './gossip/join.ts';
import { gossipListener } from './gossip/listener.ts';
import { advertisedUrl } from './gossip/options.ts';
import { greeting } from './greeting.ts';
import { createServer, edge } from './http.ts';
import { drain, listen } from './listen.ts';
import { exposition, observeRequests, watchCore } from './meter.ts';
import { type Authorities, policyOf } from './policy.ts';
import { reloadChanges } from './reload.ts';
import { openStore } from './store.ts';
import { keepIdentity, openIdentity, tlsOptions } from './tls.ts';

/** How long requests under way may take once the server is told to stop. */
const DRAIN_MS = 5_000;
/**
 * How much the old generation may grow between collections. On a machine with memory to spare V8
 * lets it become four times what is in use: with some 30 MiB of warm records, 130 MiB.
 */
const HEAP_GROWTH = '--heap-growing-percent=50';

/** Runs until SIGTERM or SIGINT. Rejects when the server cannot start. */
export async function serve(config: Config, log: Log, reload: () => LoadResult): Promise<void> {
  setFlagsFromString(HEAP_GROWTH);
  // Without a listener SIGHUP ends the process: there is one from here until the very end.
  process.on('SIGHUP', () => {});
  // What the database knows of the CAs has to be known before their keys are made.
  const store = await openStore(config.database, { mustExist: false });
  try {
    await serveFrom(store, config, log, reload);
  } finally {
    await store.close().catch(() => {});
  }
}

/** The same, on a database that has just been opened. */
async function serveFrom(
  store: Store,
  config: Config,
  log: Log,
  reload: () => LoadResult,
): Promise<void> {
  let onHangUp = (): void => {};
  process.on('SIGHUP', () => onHangUp());
  const authorities = await openAuthorities(config, store, log);
  const { id, validityDays } = config.ca.find(({ isDefault }) => isDefault)!;
  const issuing = authorities.get(id)!;
  const metrics = createMetrics();
  const validator = openValidator(config);
  const engine = new Engine(
    {
      // To begin again after a failure takes a new one.
      open: async (how) => (how.mustExist ? await openStore(config.database, how) : store),
      primitives: createPrimitives({ readCsr, readCertificate, judgeSpki: readPublicKey }),
      authorities,
      validator,
      log,
      watch: watchCore(metrics),
      cluster: clusterOptions(config, issuing, log, metrics),
      recordDir: config.debug.recordDir,
    },
    policyOf(config, authorities),
  );
  const openTls = (): ReturnType<typeof openIdentity> =>
    openIdentity(config.tls, config.baseUrl, issuing, validityDays, Date.now());
  const identity = config.tls.enabled ? openTls() : undefined;
  const acme = createServer(
    withHealth(
      engine,
      edge({ maxBodyBytes: config.server.maxBodyBytes }, engine.answer, observeRequests(metrics)),
    ),
    identity && tlsOptions(config.tls, identity),
  );
  const gossip = gossipListener(engine, log, metrics);
  const admin = adminServer(engine, exposition(metrics, engine), gossip);
  const stopRenewing = identity && keepIdentity(acme as TlsServer, identity, openTls, log);
  try {
    await engine.start();
    await rememberAuthorities(store, authorities);
    const adminAddress = await listen(admin, config.admin.listenAddr, '[admin] listen_addr');
    const address = await listen(acme, config.listenAddr, 'listen_addr');
    let current = config;
    onHangUp = () => {
      current = reconfigure(current, reload(), engine, authorities, log);
    };
    // Whoever reads that it listens may send a signal at once.
    const stopped = stopSignal();
    log.info('node', 'listening', { acme: address, admin: adminAddress });
    process.stderr.write(greeting(config));

    const signal = await stopped;
    log.info('node', 'stopping', { signal });
  } finally {
    // After a failure too: what stays open would keep a process alive that serves nobody.
    onHangUp = () => {};
    stopRenewing?.();
    gossip.close(DRAIN_MS);
    await Promise.all([drain(acme, DRAIN_MS), drain(admin, DRAIN_MS)]);
    validator.close();
    await engine.close();
  }
  log.info('node', 'stopped');
}

/** What a node in a cluster needs; undefined in single-node mode. */
function clusterOptions(
  config: Config,
  authority: CertificateAuthority,
  log: Log,
  metrics: Metrics,
): ClusterOptions | undefined {
  const { gossip } = config;
  if (gossip === undefined || gossip.peers.length === 0) {
    log.info('gossip', 'no peers configured — loop disabled');
  }
  if (gossip === undefined) return undefined;
  return { config: gossip, url: advertisedUrl(config, hostname()), authority, log, metrics };
}

function openValidator({ server }: Config): Validator {
  const { dnsResolverAddr } = server;
  return createValidator({
    httpPort: server.httpValidationPort,
    tlsAlpnPort: server.tlsAlpnValidationPort,
    allowPrivateIps: server.httpValidationAllowPrivateIps,
    ...(dnsResolverAddr !== undefined && { dnsServers: [dnsResolverAddr] }),
  });
}

function reconfigure(
  current: Config,
  loaded: LoadResult,
  engine: Engine,
  authorities: Authorities,
  log: Log,
): Config {
  if (!loaded.ok) {
    log.error('config', 'not reloaded: the old configuration stays in force', {
      reason: renderErrors(loaded.errors),
    });
    return current;
  }
  const { next, needRestart } = reloadChanges(current, loaded.config);
  engine.configure(policyOf(next, authorities), next.gossip?.peers);
  log.setLevel(next.log.level);
  log.info('config', 'reloaded');
  for (const key of needRestart) {
    log.warn('config', 'changed, but takes effect only at the next start', { key });
  }
  return next;
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => resolve(signal));
    }
  });
}
