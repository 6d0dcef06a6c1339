// The configuration as the program sees it: one interface per section of akamu.toml.
// Names are the TOML keys in camelCase, units kept. Invariant: the schema tables (schema.ts) are
// typed by these interfaces, so a field without a setting, or a setting without a field, does not
// compile; what a key means and its bounds are said there, once.
// Never here: defaults, parsing, anything a value could not carry.

export const KEY_TYPES = [
  'ec:P-256',
  'ec:P-384',
  'rsa:2048',
  'rsa:3072',
  'rsa:4096',
  'ed25519',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
] as const;
export type KeyType = (typeof KEY_TYPES)[number];

export const TLS_PROTOCOLS = ['TLSv1.2', 'TLSv1.3'] as const;
export type TlsProtocol = (typeof TLS_PROTOCOLS)[number];

/** RFC 5280 §4.2.1.3, the usages an end-entity certificate can carry. */
export const KEY_USAGES = [
  'digital_signature',
  'content_commitment',
  'key_encipherment',
  'data_encipherment',
  'key_agreement',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface Config {
  readonly listenAddr: string;
  readonly baseUrl: string;
  readonly database: DatabaseConfig;
  /** At least one, exactly one of them the default. */
  readonly ca: readonly CaConfig[];
  readonly server: ServerConfig;
  readonly admin: AdminConfig;
  readonly tls: TlsConfig;
  /** Undefined without a [gossip] section: single-node mode. */
  readonly gossip: GossipConfig | undefined;
  readonly mtc: MtcConfig;
  readonly profiles: ProfilesConfig;
  readonly log: LogConfig;
  readonly debug: DebugConfig;
}

export interface DatabaseConfig {
  readonly url: string;
  readonly maxConnections: number;
  readonly requireTls: boolean;
}

export interface CaConfig {
  readonly id: string;
  readonly isDefault: boolean;
  readonly keyFile: string;
  readonly certFile: string;
  readonly rootKeyFile: string;
  readonly rootCertFile: string;
  readonly keyType: KeyType;
  readonly validityDays: number;
  readonly caValidityYears: number;
  readonly commonName: string;
  readonly organization: string;
  readonly crlUrl: string | undefined;
  readonly ocspUrl: string | undefined;
  readonly crlNextUpdateSecs: number;
  readonly caaIdentities: readonly string[];
}

export interface ServerConfig {
  readonly orderExpirySecs: number;
  readonly authzExpirySecs: number;
  readonly maxBodyBytes: number;
  readonly httpValidationPort: number;
  readonly tlsAlpnValidationPort: number;
  readonly httpValidationAllowPrivateIps: boolean;
  readonly dnsResolverAddr: string | undefined;
  readonly externalAccountRequired: boolean;
  /** Key identifier to base64url HMAC secret. */
  readonly eabKeys: ReadonlyMap<string, string>;
  readonly termsOfServiceUrl: string | undefined;
  readonly websiteUrl: string | undefined;
  readonly caaIdentities: readonly string[];
  readonly ariRetryAfterSecs: number;
  readonly ariExplanationUrl: string | undefined;
  readonly auditLogFile: string | undefined;
  readonly trustedProxies: readonly string[];
}

export interface AdminConfig {
  readonly listenAddr: string;
  readonly bootstrapOperatorName: string;
  readonly bootstrapOperatorCertFile: string | undefined;
  readonly bootstrapOperatorKeyFile: string | undefined;
  readonly sessionTtlSecs: number;
  readonly sessionLockSecs: number;
  readonly maxFailedAuth: number;
  readonly lockoutDurationSecs: number;
}

export interface TlsConfig {
  readonly enabled: boolean;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly protocols: readonly TlsProtocol[];
  readonly clientAuth: ClientAuthConfig | undefined;
}

export interface ClientAuthConfig {
  readonly required: boolean;
  readonly caFiles: readonly string[];
}

export interface GossipConfig {
  readonly peers: readonly string[];
  readonly advertiseUrl: string | undefined;
  readonly intervalSecs: number;
  readonly tombstoneTtlSecs: number;
  readonly ownershipTtlSecs: number;
  readonly fanOut: number;
  readonly clockSkewToleranceSecs: number;
  readonly gossipEnvelopeMaxAgeSecs: number;
}

export interface MtcConfig {
  readonly enabled: boolean;
  readonly checkpointIntervalSecs: number;
  readonly landmarkIntervalSecs: number;
  readonly trustAnchorId: string | undefined;
  readonly signingKey: MtcSigningKeyConfig | undefined;
  readonly cosigners: readonly CosignerConfig[];
}

export interface MtcSigningKeyConfig {
  readonly keyFile: string;
  readonly keyType: KeyType;
}

export interface CosignerConfig {
  readonly url: string;
  readonly cosignerIdCertPem: string | undefined;
  readonly trustAnchorId: string | undefined;
}

export interface ProfilesConfig {
  readonly providers: ReadonlyMap<string, ProviderConfig>;
}

export interface ProviderConfig {
  readonly type: 'builtin';
  readonly profiles: ReadonlyMap<string, ProfileConfig>;
}

export interface ProfileConfig {
  readonly description: string;
  readonly validityDays: number | undefined;
  readonly keyUsage: readonly KeyUsage[];
  readonly eku: readonly string[];
  readonly allowedKeyTypes: readonly KeyType[];
  readonly allowedIdentifiers: readonly string[];
}

export interface LogConfig {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

export interface DebugConfig {
  readonly recordDir: string | undefined;
}
