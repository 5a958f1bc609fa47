import { existsSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";
import { ApiError } from "../errors.ts";

/** As the launcher does it; pnpm itself need not be installed. */
export const buildCommand = "npx -y pnpm@10.34.8 --silent --filter @sightline/console build";

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sightline</title>
<h1>The console is not built</h1>
<p>Build it with <code>${buildCommand}</code> in the repository, then load this page again.</p>
<p>The HTTP API is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>, metrics are at <a href="/metrics">/metrics</a>.</p>
</html>
`;

/**
 * Serves the built console in `directory`. Files under /assets have a hash in their name and never change. The page itself is always
 * requested again, and answers every path without a file, because the console has its own pages. Files that were compressed during the
 * build are sent compressed.
 */
export async function consoleFiles(app: FastifyInstance, directory: string): Promise<void> {
  const root = resolve(directory);
  await app.register(fastifyStatic, {
    root,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    dotfiles: "ignore",
  });
  app.get("/assets/*", { schema: { hide: true } as object }, (request, reply) =>
    reply
      .header("cache-control", "public, max-age=31536000, immutable")
      .sendFile(`assets/${(request.params as { "*": string })["*"]}`),
  );
  app.get("/*", { schema: { hide: true } as object }, (request, reply) => {
    const path = (request.params as { "*": string })["*"];
    if (path === "api" || path.startsWith("api/")) return reply.callNotFound();
    reply.header("cache-control", "no-cache");
    if (extname(path) !== "") return reply.sendFile(path);
    return sendPage(root, reply);
  });
  app.setNotFoundHandler((request) => {
    throw new ApiError("route_not_found", `there is nothing at ${request.method} of this path`);
  });
}

function sendPage(directory: string, reply: FastifyReply): FastifyReply {
  if (existsSync(join(directory, "index.html"))) return reply.sendFile("index.html");
  return reply.code(503).type("text/html; charset=utf-8").send(notBuilt);
}
