import { setTimeout as delay } from "node:timers/promises";
import { connect, type SightlineClient } from "@sightline/client";
import {
  Event,
  type FrameDetections,
  formatFrameId,
  parseEventName,
  subjects,
  TimelineEntry,
} from "@sightline/contracts";
import { connectNats, createLogger, type Nats } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { KillableResults } from "../../services/results/src/testing/results-process.ts";
import { sampleEvent } from "../../services/results/src/testing/running-feeds.ts";
import { sampleFrame } from "../../services/results/src/testing/sample-frames.ts";

/** The client's package against a results service and a NATS server that are processes of their own, to be killed. */
export class SdkRig {
  readonly server: NatsServer;
  readonly results: KillableResults;
  readonly client: SightlineClient;
  readonly nats: Nats;

  private constructor(server: NatsServer, results: KillableResults, nats: Nats) {
    this.server = server;
    this.results = results;
    this.nats = nats;
    this.client = connect(results.address);
  }

  static async start(): Promise<SdkRig> {
    const server = await NatsServer.start();
    const results = new KillableResults(server.url, `127.0.0.1:${await freePort()}`);
    results.start();
    const nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
    const rig = new SdkRig(server, results, nats);
    await rig.client.ready(30_000);
    return rig;
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.results.kill("SIGTERM");
    await this.nats.connection.close();
    await this.server.stop();
  }

  /** Kills the service in the middle of whatever it does, and starts it again. */
  async killResults(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    await this.results.kill(signal);
    this.results.start();
    await this.client.ready(30_000);
  }

  /** Publishes the message of this number about an event, as the analysis does. */
  async event(number: number, camera = "front"): Promise<void> {
    const event = sampleEvent({ camera, id: "e1", revision: number });
    const { id } = parseEventName(event.name)!;
    const data = Event.encode(event).finish();
    await this.#publish(subjects.event(camera, id), data, `${camera}:${number}`);
  }

  /** Publishes the frame of this number, as the analysis does. */
  async frame(number: number, options: { camera?: string; found?: [string, number][] } = {}): Promise<void> {
    const { camera = "front", found = [["person", 0.9]] } = options;
    const value: FrameDetections = sampleFrame({ camera, number, found });
    const entry = TimelineEntry.fromPartial({ entry: { $case: "frame", value } });
    const data = TimelineEntry.encode(entry).finish();
    await this.#publish(subjects.timeline(camera), data, formatFrameId({ camera, epoch: "e1", number }));
  }

  /** Publishes until NATS says that it has it; what it had already it refuses as known. */
  async #publish(subject: string, data: Uint8Array, msgID: string): Promise<void> {
    for (;;) {
      try {
        await this.nats.jetstream.publish(subject, data, { msgID });
        return;
      } catch {
        await delay(20);
      }
    }
  }
}
