import {
  inboxPrefix,
  type NatsPermissions,
  natsIdentities,
  natsPermissions,
  reads,
} from "./nats-permissions.ts";
import { buckets, snapshotStore, streams } from "./subjects.ts";

const siteName = /^[a-z0-9]{1,24}$/;

/**
 * Whether `name` may name a site: it is the JetStream domain of the site's NATS server, and its cameras' names at the centre begin with it and a '-'.
 */
export function isSiteName(name: string): boolean {
  return siteName.test(name);
}

/** The identity that the centre's results uses to read a site. */
export const siteReader = (site: string) => `site-${site}`;

/** Everything that the centre may read of a site. */
const readable: readonly string[] = [streams.events, `OBJ_${snapshotStore}`];

const inDomain = (site: string, subject: string) => subject.replace("$JS.API.", `$JS.${site}.API.`);

/** What the centre's results may do in a site's account on the centre's NATS server. */
export function siteReaderPermissions(site: string): NatsPermissions {
  return {
    publish: readable.flatMap(reads).map((subject) => inDomain(site, subject)),
    subscribe: [`${inboxPrefix(siteReader(site))}.>`],
  };
}

/** What the site's leaf node may do there: answer requests of the centre's results. */
export function siteLeafPermissions(site: string): NatsPermissions {
  return { publish: [`${inboxPrefix(siteReader(site))}.>`], subscribe: [`$JS.${site}.API.>`] };
}

/**
 * What the site's NATS server never passes over its leaf node, whatever the centre asks: everything that services publish (frames,
 * tokens, pictures, secrets), and all of JetStream except reading the events and their pictures.
 */
export function siteDenials(site: string): { exports: string[]; imports: string[] } {
  const spoken = natsIdentities
    .filter((identity) => identity !== "operator")
    .flatMap((identity) => [...natsPermissions[identity].publish, ...natsPermissions[identity].subscribe]);
  const roots = new Set(
    spoken.map((subject) => subject.split(".")[0]!).filter((root) => !/^(_INBOX|\$JS)$/.test(root)),
  );
  const own = [...roots].map((root) => `${root}.>`);
  const inboxes = natsIdentities.map((identity) => `${inboxPrefix(identity)}.>`);
  const others = [
    ...Object.values(streams).filter((stream) => !readable.includes(stream)),
    ...Object.values(buckets).map((bucket) => `KV_${bucket}`),
  ];
  const api = `$JS.${site}.API`;
  const denied = [
    ...["CREATE", "UPDATE", "DELETE", "PURGE", "RESTORE", "SNAPSHOT"].map(
      (verb) => `${api}.STREAM.${verb}.>`,
    ),
    `${api}.STREAM.MSG.DELETE.>`,
    `${api}.CONSUMER.DURABLE.>`,
    ...["ACCOUNT", "META", "SERVER", "$KV", "$OBJ"].map((part) => `${api}.${part}.>`),
    ...others.flatMap((stream) => [
      `${api}.STREAM.MSG.GET.${stream}`,
      `${api}.DIRECT.GET.${stream}`,
      `${api}.DIRECT.GET.${stream}.>`,
      `${api}.CONSUMER.CREATE.${stream}`,
      `${api}.CONSUMER.CREATE.${stream}.>`,
      `${api}.CONSUMER.MSG.NEXT.${stream}.>`,
    ]),
  ];
  return { exports: [...own, ...inboxes], imports: [...own, ...inboxes, ...denied] };
}
