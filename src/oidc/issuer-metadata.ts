/** Metadata of issuers: OpenID Connect Discovery §3, RFC 8414 §2. @module */

/** The metadata that this client uses. Every endpoint is an https URL of a public host. */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly token_endpoint: string;
  readonly authorization_endpoint?: string;
  readonly userinfo_endpoint?: string;
  readonly end_session_endpoint?: string;
  readonly revocation_endpoint?: string;
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly dpop_signing_alg_values_supported: readonly string[];
  readonly authorization_response_iss_parameter_supported: boolean;
}
