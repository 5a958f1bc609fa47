import { natsNodeName } from "@sightline/stack";
import { type Percentiles, roundedPercentiles } from "../demo/statistics.ts";
import type { FaultOutcome } from "./chaos-run.ts";

/** How long faults of one kind had an effect, in seconds. */
export interface Recoveries {
  faults: number;
  /** From a camera's last result before a fault to the next one. */
  camerasBackSeconds: Percentiles;
  /** Time in which a subscriber received nothing from any camera. */
  subscribersBackSeconds: Percentiles;
  /** Time in which NATS alone confirmed nothing for one of the plain streams. */
  natsAloneSeconds: Percentiles;
}

/**
 * Limits for faults of services alone, in seconds at p99. When a NATS server that leads a stream ends, the stream takes nothing until the other
 * servers notice: they wait for a random time of 4 to 9 s, which is fixed in nats-server (raft.go). `natsAloneSeconds` measures it in the same
 * run, and nothing that needs the stream can be back sooner.
 */
export const barSeconds = { camerasBack: 5, subscribersBack: 3 } as const;

/** Results for all faults, for those of services only, and for those that hit a NATS server, alone or with a service. */
export function recoveriesOf(outcomes: readonly FaultOutcome[]) {
  const hurtsNats = ({ targets }: FaultOutcome) => targets.some((name) => name.startsWith(natsNodeName(0)));
  return {
    ...recoveries(outcomes),
    servicesOnly: recoveries(outcomes.filter((outcome) => !hurtsNats(outcome))),
    withNats: recoveries(outcomes.filter(hurtsNats)),
  };
}

function recoveries(outcomes: readonly FaultOutcome[]): Recoveries {
  return {
    faults: outcomes.length,
    camerasBackSeconds: roundedPercentiles(outcomes.flatMap(({ cameras }) => Object.values(cameras))),
    subscribersBackSeconds: roundedPercentiles(outcomes.flatMap(({ subscribers }) => subscribers)),
    natsAloneSeconds: roundedPercentiles(outcomes.map(({ nats }) => nats)),
  };
}

/** Text lines for people. */
export function recoveryLines({ servicesOnly, withNats }: ReturnType<typeof recoveriesOf>): string[] {
  const bars = `; bars at p99: ${barSeconds.camerasBack} s and ${barSeconds.subscribersBack} s`;
  return [
    ...lines("of services only", servicesOnly, bars),
    ...lines("that hurt a NATS server", withNats, ""),
  ];
}

function lines(which: string, { faults, ...seconds }: Recoveries, more: string): string[] {
  if (faults === 0) return [`faults ${which}: none`];
  const of = ({ p50, p95, p99 }: Percentiles) => `p50 ${p50} s, p95 ${p95} s, p99 ${p99} s`;
  return [
    `faults ${which}: ${faults}${more}`,
    `  cameras      back after ${of(seconds.camerasBackSeconds)}`,
    `  subscribers  go on after ${of(seconds.subscribersBackSeconds)}`,
    `  NATS alone   confirms after ${of(seconds.natsAloneSeconds)}`,
  ];
}
