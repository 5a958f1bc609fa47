/** Takes frames by plain NATS requests, so many at a time, and does nothing with them. */
import { connect } from "@nats-io/transport-node";
import { accessOptions, expectLargeBuffers } from "@sightline/service";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";
import { accessTo, type BenchNats } from "./bench-system.ts";
import { plainSubject } from "./frame-holder-process.ts";

export interface PlainClientSettings {
  nats: BenchNats;
  parallel: number;
}

export interface PlainClientCounts extends Usage {
  frames: number;
}

if (import.meta.main) {
  expectLargeBuffers();
  const { nats, parallel } = benchSettings<PlainClientSettings>();
  const connection = await connect(accessOptions(accessTo(nats, "operator"), "operator"));
  let frames = 0;
  const take = async () => {
    for (;;) {
      await connection.request(plainSubject, undefined, { timeout: 5_000 });
      frames++;
    }
  };
  for (let i = 0; i < parallel; i++) void take();
  answerCounts(() => ({ frames }));
}
