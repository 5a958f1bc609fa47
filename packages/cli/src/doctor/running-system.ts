import { type HttpSystem, httpSystemSchema } from "@sightline/contracts";
import { placesFromEnvironment, standardPorts } from "@sightline/stack";
import { tokenOf } from "../server-connection.ts";

/** Results asks NATS first, which says nothing for 5 s when it hangs. */
const patienceMs = 10_000;

/** What results says of the system; undefined where it does not run, or does not let us look: then doctor sees for itself what it can. */
export async function runningSystem(): Promise<HttpSystem | undefined> {
  try {
    const [place] = placesFromEnvironment("results");
    const given = place?.host ?? "127.0.0.1";
    const host = ["localhost", "0.0.0.0", "::"].includes(given) ? "127.0.0.1" : given;
    const at = host.includes(":") ? `[${host}]` : host;
    const url = `http://${at}:${place?.port ?? standardPorts.results}/api/v1/system`;
    const server = process.env.SIGHTLINE_GRPC || `127.0.0.1:${standardPorts.grpc}`;
    const token = tokenOf({ server, token: process.env.SIGHTLINE_TOKEN });
    const response = await fetch(url, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
      signal: AbortSignal.timeout(patienceMs),
    });
    return httpSystemSchema.safeParse(await response.json()).data;
  } catch {
    return undefined;
  }
}
