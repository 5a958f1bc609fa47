/** Why a login at the provider came to nothing, as the login page is told in its address. */
export type OidcFaultCode =
  | "oidc_unavailable"
  | "oidc_expired"
  | "oidc_refused"
  | "oidc_no_role"
  | "oidc_name_taken"
  | "oidc_failed";

/** A login at the provider that came to nothing; `message` is for the log. */
export class OidcFault extends Error {
  override readonly name = "OidcFault";
  readonly code: OidcFaultCode;

  constructor(code: OidcFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
