// Every command of `akamu`, with its options and its handler.
// Invariant: no two commands have the same words, and none is the beginning of another's.
// Never here: code.

import { deactivateAccount, revokeCertificate, revokeKey } from './ca-commands.ts';
import { showStatus } from './cluster-status.ts';
import type { Command, Option } from './command.ts';
import { checkConfig } from './config-check.ts';
import { initialize } from './init.ts';
import { registerNode, removeNode, rotateKey, showIdentity } from './node.ts';
import { startServer } from './start-server.ts';

const CONFIG: Option = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  doc: 'The configuration file; without it ./akamu.toml if there is one, else built-in defaults.',
};

const SERVER_CONFIG: Option = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  doc: 'The configuration file of the server; without it ./akamu.toml if there is one.',
};

export const COMMANDS: readonly Command[] = [
  {
    words: ['serve'],
    summary: 'Run the server.',
    details: ['Runs until SIGTERM or SIGINT. The log goes to standard error.'],
    options: [CONFIG],
    run: startServer,
  },
  {
    words: ['init'],
    summary: 'Write a configuration file with every setting explained.',
    details: ['Writes ./akamu.toml, or FILE. A file that exists stays unless --force is given.'],
    options: [
      {
        name: 'config',
        short: 'c',
        value: 'FILE',
        doc: 'The file to write; ./akamu.toml without.',
      },
      { name: 'force', doc: 'Replace the file if it exists.' },
    ],
    run: initialize,
  },
  {
    words: ['config', 'check'],
    summary: 'Check a configuration file and show every mistake in it.',
    details: [
      'Exits with 0 when the server would take the configuration and with 1 when not. Files that it',
      'names are read by the server alone, when it starts.',
      'With --json the configuration in force, or the mistakes, go to standard output.',
    ],
    options: [CONFIG, { name: 'json', doc: 'Write the result as JSON; secrets are left out.' }],
    run: checkConfig,
  },
  {
    words: ['revoke'],
    summary: 'Revoke a certificate, whoever ordered it.',
    details: [
      'Asks the running server through its admin listener, which is for callers of this host. In a',
      'cluster any node will do. What is revoked stays revoked; to say it again changes nothing.',
    ],
    argument: {
      name: 'SERIAL',
      doc: 'The serial number in hexadecimal, as `openssl x509 -serial` shows it.',
    },
    options: [
      SERVER_CONFIG,
      {
        name: 'reason',
        value: 'REASON',
        doc: 'A name or number of RFC 5280, such as keyCompromise or 4; unspecified without.',
      },
      { name: 'json', doc: 'Write what stands now as JSON.' },
    ],
    run: revokeCertificate,
  },
  {
    words: ['account', 'deactivate'],
    summary: 'Deactivate an account for good.',
    details: [
      'It can do nothing more (RFC 8555 section 7.3.6); its certificates stay valid. In a cluster any',
      'node will do.',
    ],
    argument: { name: 'ID', doc: 'The id of the account, the last part of its URL.' },
    options: [SERVER_CONFIG, { name: 'json', doc: 'Write what stands now as JSON.' }],
    run: deactivateAccount,
  },
  {
    words: ['eab', 'revoke'],
    summary: 'Withdraw an external account key for good.',
    details: [
      'No account can be made with it any more; one that was made with it stays. In a cluster any',
      'node will do. Take the key out of [server.eab_keys] as well.',
    ],
    argument: { name: 'KID', doc: 'The key identifier, as in [server.eab_keys].' },
    options: [SERVER_CONFIG, { name: 'json', doc: 'Write what stands now as JSON.' }],
    run: revokeKey,
  },
  {
    words: ['cluster', 'status'],
    summary: 'Show the nodes of the cluster, as the node of this host sees them.',
    details: [
      'Asks the running server through its admin listener, which is for callers of this host.',
      'Exits with 0 when every other node is reachable and no digest differs, and with 1 when not.',
      'REACHABLE is as of the last exchange, up to [gossip] interval_secs ago. LACKS: events of this',
      'node that the other one has yet to get; OWES US: events of others that it has and this one',
      'has not. DIGEST is unknown until both have seen the same events and could be compared.',
    ],
    options: [
      SERVER_CONFIG,
      { name: 'watch', doc: 'Show it anew every two seconds, until it is interrupted.' },
      { name: 'json', doc: 'Write the status as JSON, one line each time.' },
    ],
    run: showStatus,
  },
  {
    words: ['node', 'identity'],
    summary: 'Show the id, the URL and the public keys of a node.',
    details: [
      'Asks the running server; when none runs, looks into its database.',
      'What --json writes is what `akamu node register` reads on another node.',
    ],
    options: [SERVER_CONFIG, { name: 'json', doc: 'Write the whole descriptor as JSON.' }],
    run: showIdentity,
  },
  {
    words: ['node', 'rotate'],
    summary: 'Give a running node a new ML-KEM key, to which the others seal from then on.',
    details: [
      'The node goes on working and keeps its id; the others hear of the key by themselves. What is',
      'sealed to the key before opens until the next rotation, and that is refused while a node that',
      'is there may not know the present key yet. Shows what `akamu node identity` shows.',
    ],
    options: [SERVER_CONFIG, { name: 'json', doc: 'Write the whole descriptor as JSON.' }],
    run: rotateKey,
  },
  {
    words: ['node', 'register'],
    summary: 'Make a node known by hand, where introductions cannot travel.',
    details: ['Nodes introduce themselves to their peers; this is only needed when they cannot.'],
    argument: {
      name: 'FILE',
      doc: 'What `akamu node identity --json` wrote on that node; - for standard input.',
    },
    options: [SERVER_CONFIG],
    run: registerNode,
  },
  {
    words: ['node', 'remove'],
    summary: 'Remove a node from the cluster for good.',
    details: [
      'Every node refuses it from now on, for ever. Stop the node first: while it answers, this is',
      'refused. To come back it needs a new database. Take its URL out of [gossip] peers on the others.',
    ],
    argument: { name: 'ID', doc: 'The id of the node, as `akamu cluster status` shows it.' },
    options: [
      SERVER_CONFIG,
      { name: 'force', doc: 'Remove it even while it answers; it is told, and stops serving.' },
    ],
    run: removeNode,
  },
];
