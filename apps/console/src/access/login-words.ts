/** Why a login at the provider came to nothing, by the code in the login page's address. */
const faults: Readonly<Record<string, string>> = {
  oidc_unavailable: "The login provider does not answer. Try again later, or log in with a password.",
  oidc_expired: "This login took too long or was begun in another window. Please start again.",
  oidc_refused: "The login provider did not let you in.",
  oidc_no_role: "You are known to the login provider, but have no role here. Ask an administrator.",
  oidc_name_taken:
    "A user of your name is here already who does not come from the login provider. Ask an administrator.",
  oidc_failed: "The login at the provider failed. The server's log says why.",
};

/** What to tell a person who comes back from the login provider without a login; empty when there is nothing to tell. */
export function loginFault(code: string): string {
  return code === "" ? "" : (faults[code] ?? "The login failed. Please start again.");
}
