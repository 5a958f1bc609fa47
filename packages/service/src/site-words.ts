/** The state of a site, as the centre's results reports it. */
export interface ToldSite {
  name: string;
  up: boolean;
  silentSeconds: number;
  /** Null while the site is not read. */
  pending: number | null;
  /** A camera of the centre that has the same name as one of the site; null when there is none. */
  clash: string | null;
  /** Why the site's data cannot be stored at the centre; null when it can. */
  failure: string | null;
}

/** A lost connection is reported only after this many seconds: both sides retry by themselves. */
const patience = 15;

/** What is wrong with a site, in words, and what to do; undefined when nothing is. */
export function siteFault({
  name,
  up,
  silentSeconds,
  clash,
  failure,
}: ToldSite): { kind: "clash" | "failure" | "silent"; text: string; fix: string } | undefined {
  if (clash !== null)
    return {
      kind: "clash",
      text: `Nothing more of the site ${name} is copied: one of its cameras is called ${clash} here, as a camera of this centre is`,
      fix: `Register the centre's own camera by another name and remove ${clash}: the rest of the site then comes by itself. Nothing is lost for as long as the site keeps it.`,
    };
  if (failure !== null)
    return {
      kind: "failure",
      text: `What comes from the site ${name} cannot be stored here: ${failure}`,
      fix: "The site and its line are well. Look at NATS of this centre: the first lines of ./sightline doctor, and the logs of NATS and of results, say more. It is tried again every second, and nothing is lost for as long as the site keeps it.",
    };
  if (up || silentSeconds < patience) return undefined;
  return {
    kind: "silent",
    text: `The site ${name} has not been heard for ${durationOf(silentSeconds)}: what happens there comes when its line is back`,
    fix: "Look at the line, and at the log of NATS at the site: docs/edge.md says what its words mean. Nothing is lost for as long as the site keeps it.",
  };
}

/** The state of a site without faults, in words. */
export function siteText({ up, pending }: ToldSite): string {
  if (!up) return "no message for a moment: reconnecting";
  return pending
    ? `${pending} messages about its events and pictures have not arrived yet`
    : "everything has arrived";
}

function durationOf(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
