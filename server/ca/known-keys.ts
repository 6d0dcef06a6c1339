// Keys whose private half is printed in a public document. Whoever asks for a certificate or an
// account with one has copied an example, and so can everybody else (CA/Browser Forum BR 6.1.1.3).
// Invariant: one row per key; the tests hold the keys and recompute every hash.
// Never here: keys that are weak by their structure (rsa-strength.ts).

/** SHA-256 of the DER SubjectPublicKeyInfo, unpadded base64url -> the document and its section. */
const KNOWN_KEYS: ReadonlyMap<string, string> = new Map([
  ['b9E8JDWjYefFiM0X9V9a098Bd6ZsFyemogCEX016uIw', 'RFC 7515 §A.2'],
  ['K9G7DESol8MKeqCZHN442AYv5EHeUNoPRoJTRPYC6Cc', 'RFC 7515 §A.3'],
  ['kUbOc9ar7aXgq2km572bVj8vIli0iNUgU0oLhLpYcd8', 'RFC 7515 §A.4'],
  ['vwp6dPmvtu3aieur6CQkG_2ygdstpQ2q6Zc8bL6Z_pU', 'RFC 7516 §A.1'],
  ['UblEzfpUTUwyc6pr81BiWn3VO7tqcXIydPU4sZogd2A', 'RFC 7517 §A.1 (EC)'],
  ['rTIyDPbFltiEsFOBulc6uo3dV0m03o9KI6efmondrrI', 'RFC 7517 §A.1 (RSA)'],
  ['xkeaFaUKxM2bZBTifGm_NzRdwQRtxkiHXEiY-9Ncx0s', 'RFC 7520 §3.1'],
  ['Yndx8l2kJtH5rjFeQhBtcAsVKYUO7hWSrPOWA5WdeV0', 'RFC 7520 §3.3'],
  ['BuP9j9opu2CrWVV95h7bCuzbIxE0vjDnW0Vfjht5L6k', 'RFC 8037 §A.1'],
  ['oekVYFTgT6yJmunydRMs3Ael28TqLCrTof_G4NJTaB8', 'RFC 8410 §10.1'],
  ['j7a61nHP5pg5PEUzV9phtW11erjA8_uch_KEnmMTGHg', 'RFC 9500 §2.1 (2048)'],
  ['lkZepdybstp7NR2AinGW5XYfJBKlBAExxo1xmquij7k', 'RFC 9500 §2.1 (4096)'],
  ['srBDQM-u5hbsnCxi0mGyCOVLsZdJjfUujK3t4jrAul4', 'RFC 9500 §2.3 (P-256)'],
  ['xMEBBaC-DtTdM1RCjcOKm_7mTaFBzhbnXJTtonL53To', 'RFC 9500 §2.3 (P-384)'],
  ['rLG4Mn_vmV4kWP3148M7LcB0n-q9aolMub2p1wrAbCQ', 'RFC 9500 §2.3 (P-521)'],
  ['coWcuvIaCzmLHyVxK77RSLHYWgxrgkF26zBkBcqm8LI', 'RFC 9421 §B.1.2'],
  ['VfljYbeMu4Tx_GBLBxjoK9kau0bY_CWuhxs1-7-LeXQ', 'RFC 9421 §B.1.3'],
  ['NFcWBst6DXG-N35nHdzMrioWntdzNZghQSkjHNMMSjw', 'RFC 9421 §B.1.4'],
  ['g3gycIxSNtlRWB8f3fK3mZGzQkoEhtFtod2tD9aXAb4', 'RFC 9881 §C.1 (ML-DSA-44)'],
  ['uLYhMb--hEM--yJz1_W4f3oihUos_TZvwq6thtg3xS0', 'RFC 9881 §C.1 (ML-DSA-65)'],
  ['B-V8TxTbrRJn9iHsN3e04ubE-8TCL7uHUQ_44LPGpkI', 'RFC 9881 §C.1 (ML-DSA-87)'],
]);

/** Where this key's private half is published, or undefined. */
export function publishedIn(spkiHash: string): string | undefined {
  return KNOWN_KEYS.get(spkiHash);
}
