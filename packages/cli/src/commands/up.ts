import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { isFree, NatsGuard, portsFromEnvironment, Stack, Supervisor, standardPorts } from "@sightline/stack";
import { Command } from "commander";
import { bundledModel, bundledModelScope } from "../camera/model-scope.ts";
import { untilSignal } from "../signals.ts";

/** `sightline up`: NATS and the three services on this machine until stopped; cameras and detections are kept. */
export function upCommand(): Command {
  return new Command("up")
    .description("run NATS and the three services on this machine, with state in a data directory")
    .option("--data <directory>", "where state and logs are kept", ".sightline")
    .option(
      "--bridges",
      "also run the bridges (default: when SIGHTLINE_MQTT_URL or SIGHTLINE_WEBHOOKS is set)",
      Boolean(process.env.SIGHTLINE_MQTT_URL || process.env.SIGHTLINE_WEBHOOKS),
    )
    .action(async (options: { data: string; bridges: boolean }) => {
      const stop = untilSignal();
      const directory = resolve(options.data);
      mkdirSync(directory, { recursive: true });
      const { ports, env } = portsFromEnvironment(standardPorts);
      for (const [name, port] of Object.entries(ports))
        if (!(await isFree(port)))
          throw new Error(
            `port ${port} (${name}) is in use; is Sightline running already? ./sightline doctor says more`,
          );
      let stack: Stack;
      try {
        stack = await Stack.start({ directory, ports, env }, stop);
        if (options.bridges)
          await stack.startService("bridges", { SIGHTLINE_GRPC_ADDRESS: `127.0.0.1:${ports.grpc}` });
      } catch (error) {
        if (stop.aborted) return;
        throw error;
      }
      console.log(
        `Sightline is up.\n  console  http://127.0.0.1:${ports.results}/\n  gRPC     127.0.0.1:${ports.grpc}\n  metrics  http://127.0.0.1:${ports.results}/metrics` +
          `\n  data     ${directory}\n  model    ${modelLine()}\nadd a camera: ./sightline camera add NAME rtsp://…   stop: Ctrl-C`,
      );
      const say = (line: string) => process.stderr.write(`sightline: ${line}\n`);
      const ending = new AbortController();
      const until = AbortSignal.any([stop, ending.signal]);
      const guarding = new NatsGuard(stack, say).run(until);
      const ended = await new Supervisor(stack, say).run(stop);
      ending.abort();
      await guarding;
      const failure = await ended?.failure();
      await stack.stop();
      if (failure) throw failure;
    });
}

/** The model that the worker runs, and what it is good for when it is the one that ships. */
function modelLine(): string {
  const name = process.env.SIGHTLINE_MODEL || bundledModel;
  return name === bundledModel ? `${name}; ${bundledModelScope}` : name;
}
