import { natsNodeName } from "@sightline/stack";
import { type Percentiles, roundedPercentiles } from "../demo/statistics.ts";
import type { FaultOutcome } from "./chaos-run.ts";

/** How long faults of one kind were felt, in seconds. */
export interface Recoveries {
  faults: number;
  /** From a camera's last result before a fault to the next one. */
  camerasBackSeconds: Percentiles;
  /** In which a subscriber was given nothing of any camera. */
  subscribersBackSeconds: Percentiles;
}

/** Bars for faults of services alone, in seconds at p99. Where a NATS server that leads a stream ends, the choice of another alone takes NATS 4 to 9 s. */
export const barSeconds = { camerasBack: 5, subscribersBack: 3 } as const;

/** All faults, those that hurt only services, and those that hurt a NATS server too or alone. */
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
  };
}

/** Lines for people. */
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
  ];
}
