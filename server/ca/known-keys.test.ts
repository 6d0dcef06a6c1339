// The published keys themselves: each hash of the table is recomputed from its public key.

import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { publishedIn } from './known-keys.ts';
import { mlDsaKeyOfSeed, mlDsaSpki } from './ml-dsa-key.ts';
import { readPublicKey } from './public-key.ts';

const PUBLISHED: readonly [source: string, jwk: JsonWebKey][] = [
  [
    'RFC 7515 §A.2',
    {
      kty: 'RSA',
      n: [
        'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ',
        'PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0',
        'LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD',
        'Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2',
        'PAcDTW9gb54h4FRWyuXpoQ',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 7515 §A.3',
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  ],
  [
    'RFC 7515 §A.4',
    {
      kty: 'EC',
      crv: 'P-521',
      x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
      y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
    },
  ],
  [
    'RFC 7516 §A.1',
    {
      kty: 'RSA',
      n: [
        'oahUIoWw0K0usKNuOR6H4wkf4oBUXHTxRvgb48E-BVvxkeDNjbC4he8rUWcJoZmds2h7M70imEVhRU5d',
        'jINXtqllXI4DFqcI1DgjT9LewND8MW2Krf3Spsk_ZkoFnilakGygTwpZ3uesH-PFABNIUYpOiN15dsQR',
        'kgr0vEhxN92i2asbOenSZeyaxziK72UwxrrKoExv6kc5twXTq4h-QChLOln0_mtUZwfsRaMStPs6mS6X',
        'rgxnxbWhojf663tuEQueGC-FCMfra36C9knDFGzKsNa7LZK2djYgyD3JR_MB_4NUJW_TqOQtwHYbxevo',
        'JArm-L5StowjzGy-_bq6Gw',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 7517 §A.1 (EC)',
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
  ],
  [
    'RFC 7517 §A.1 (RSA)',
    {
      kty: 'RSA',
      n: [
        '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1',
        'L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4',
        'QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO',
        'pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF',
        'Cur-kEgU8awapJzKnqDKgw',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 7520 §3.1',
    {
      kty: 'EC',
      crv: 'P-521',
      x: 'AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt',
      y: 'AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1',
    },
  ],
  [
    'RFC 7520 §3.3',
    {
      kty: 'RSA',
      n: [
        'n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0',
        'VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBord',
        'aZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzw',
        'OHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwU',
        'kRz5iaiQkqgc5gHdrNP5zw',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 8037 §A.1',
    { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
  ],
  [
    'RFC 8410 §10.1',
    { kty: 'OKP', crv: 'Ed25519', x: 'Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE' },
  ],
  [
    'RFC 9500 §2.1 (2048)',
    {
      kty: 'RSA',
      n: [
        'sPnoGUOnrpiSqt4XynxA-HRP7S-BSObI6qJ7fQAVSPtRkqsotWxQYLEYzNEx5ZSHTGypibVsJylvCfuT',
        'oDTfMul8b_CZjP2Ob0LdpYrNH6l5hvFE89FU1nZQF15oVLOpUgA7wGiHuEVawrGfey92UE68mOyUVXGw',
        'eJIVDdxqdMoPvNNUl86BU02vlBiESxOuox-dWmuVV7vfYZ79Toh_LUK43YvJh-rhv4nKuF7iHjVjBd9s',
        'B6iDjj70HFldzOQ9r8SRI-9NirupPTkF5AKNe6kUhKJ1luB7S27ZkvB3tSTT3P593VVJvnzOjaA1z6Cz',
        '-4-eRvcysqhrRgFlwI9TEw',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 9500 §2.1 (4096)',
    {
      kty: 'RSA',
      n: [
        's4tJYOY75qjbqJqCl47x9jJE5Vd9jPWGFtXKV1nUnMjZNsM4qjy5sRHBSX5bUa9pLyYR5on3Z1SAwLD0',
        'w2VPQ6-F_oyK1zTgQqitoF_XZQjgC6D3VsNEO76DPqfRANT7Nn7r1gvbZIZ3_H3rlCRNrRr47tHGWBLA',
        'Pnxz9_NY6UG8ZkWP97uXpJqYoRgH4CwaO5rTOlc64YDh_0Mq5VgMycq_q2AvMlvNoJfoe8em1040qH1g',
        'ikP-suT_8fS452hqmEddtRpuvQgXKldBd0kkiyFVyLkG4NVA6Mso9MAK3J_kdYoaw2SrOeThVSiYVEQV',
        'P-7GrUxTSLLjj_VQ9fpYM5eTNzDICIG_Ee7o_jhtW1EoSamDmUOr89lyIHaXuOwkEaJhnVXKBCM8Wizt',
        'xvKG2CnQ6Dcge3ZSmqJEhyEmjcAVC7ewfnMxOnE-WJW6rzrf-mA5WMVn-FzyWx2AondWow0aUKHkaY7a',
        'mhIrsKp6YPfNImyxFlz8-cqDCmBswPsUh_JJ5eDHHIhibFcSgIHedsEjhLbUSLZ_DnEjru90qIWWA3R1',
        'VIPykKfeZkZeInsrFzGPikkFKwFF-6KDdyvCmltYEqzO46tigXAZ5UgH8oiXEre48wO6X-FH-cLzQ0q3',
        'A8HZRnNDgqCjU_Tgy76iaku_Ic6eteedR1fX3gJ_IOU',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 9500 §2.3 (P-256)',
    {
      kty: 'EC',
      crv: 'P-256',
      x: 'QiVI-I-3gv-17KN0RFLHKh5Vj71vc75eSOkyMsxFxbE',
      y: 'bEzRDEy41bihcTnpSILImSVymTQl9BQZq36QpCpJQnI',
    },
  ],
  [
    'RFC 9500 §2.3 (P-384)',
    {
      kty: 'EC',
      crv: 'P-384',
      x: 'WwkBuIUjKW65GdUP-hqcs3S8TUCVhigr_soRsdla27VHNK9XC_grcijPImvPTCXd',
      y: 'vP47GjrTlDDv92Ph1o0uFR2Rcgt3lbWNprNGOWE6j7m1qNpIxnRxF_mRnoQk837I',
    },
  ],
  [
    'RFC 9500 §2.3 (P-521)',
    {
      kty: 'EC',
      crv: 'P-521',
      x: 'AdD9cleoTHR_ViV1wHOF2-vy9SvqWAg9uC_dFTHYquPMh1_wL_f6LaJg2Oti1tL11kknjjIXNqBijLuzAwi25hjb',
      y: 'APYq0gTGRgNZvIGKuJYb8PD8DsWq6KQoFzzlbwDemxV8HlyCxk9WL8re_EpMKPbTQs8-9hb8gtM7coXJIfK_Nv3Y',
    },
  ],
  [
    'RFC 9421 §B.1.2',
    {
      kty: 'RSA',
      n: [
        'r4tmm3r20Wd_PbqvP1s2-QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct-Lh1GH45x28Rw3Ry5',
        '3mm-oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOt',
        'CEcN2Z1FpWgchwuYLPL-Wokqltd11nqqzi-bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6',
        'aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d-nb4bnNkQVklLQ3fVAvJm-xdDOp9LCNCN48V2',
        'pnDOkFV6-U9nV5oyc6XI2w',
      ].join(''),
      e: 'AQAB',
    },
  ],
  [
    'RFC 9421 §B.1.3',
    {
      kty: 'EC',
      x: 'qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA',
      y: 'Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0',
      crv: 'P-256',
    },
  ],
  [
    'RFC 9421 §B.1.4',
    { crv: 'Ed25519', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs', kty: 'OKP' },
  ],
];

for (const [source, jwk] of PUBLISHED) {
  test(`the key of ${source} is refused`, () => {
    const spki = createPublicKey({ key: jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'der',
    });
    const reading = readPublicKey(spki);
    const reason = `the private half of this key is published in ${source}; make a new key`;
    assert.equal(reading, { ok: false, reason });
  });
}

for (const kind of ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
  test(`the ${kind} key of RFC 9881 §C.1 is refused`, () => {
    const seed = Uint8Array.from({ length: 32 }, (_, index) => index);
    const reading = readPublicKey(mlDsaSpki(mlDsaKeyOfSeed(kind, seed)));
    assert.match(reading.ok ? '' : reading.reason, /published in RFC 9881 §C\.1/);
  });
}

test('a key that nobody published is unknown', () => {
  assert.is(publishedIn('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), undefined);
});

test.run();
