/**
 * A real OpenID Connect provider (the npm package oidc-provider) on loopback, for tests: `node oidc-provider-process.ts PORT JSON`, where
 * JSON contains `OidcProviderOptions`. Its login page accepts any password. Writes a line when it listens.
 */
import { Provider } from "oidc-provider";

export interface OidcProviderOptions {
  clientId: string;
  clientSecret: string;
  redirectUrl: string;
  /** Groups of each user. */
  groups: Record<string, string[]>;
  /** How long a code is valid. */
  codeSeconds: number;
}

const [port, json] = process.argv.slice(2);
const options = JSON.parse(json!) as OidcProviderOptions;
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: options.clientId,
      client_secret: options.clientSecret,
      redirect_uris: [options.redirectUrl],
    },
  ],
  pkce: { required: () => true },
  ttl: {
    AuthorizationCode: options.codeSeconds,
    Interaction: 600,
    Session: 600,
    Grant: 600,
    IdToken: 600,
    AccessToken: 600,
  },
  // Returned by the userinfo endpoint, not in the ID token, as in providers that keep tokens small.
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: `subject-${id}`, preferred_username: id, groups: options.groups[id] ?? [] }),
  }),
  cookies: { keys: ["of a test"] },
});
provider.listen(Number(port), "127.0.0.1", () => process.stdout.write(`${issuer}\n`));
