// The contract for the store in MariaDB, against the server that AKAMU_TEST_MARIADB_URL names.

import { contractCases } from './store.contract.ts';
import { MARIADB, suiteOn } from './testing/test-database.ts';

suiteOn(MARIADB, 'contract of the store', (test) => {
  for (const [title, run] of contractCases(MARIADB.create)) test(title, run);
}).run();
