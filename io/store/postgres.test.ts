// The contract for the store in PostgreSQL, against the server that AKAMU_TEST_POSTGRES_URL names.

import { contractCases } from './store.contract.ts';
import { POSTGRES, suiteOn } from './testing/test-database.ts';

suiteOn(POSTGRES, 'contract of the store', (test) => {
  for (const [title, run] of contractCases(POSTGRES.create)) test(title, run);
}).run();
