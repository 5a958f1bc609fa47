import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "@sightline/stack";

// biome-ignore lint/suspicious/noExplicitAny: what arrives is protobuf's JSON form, as any foreign client sees it
export type Json = any;

/** An error that the server answered with. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const python = "/usr/bin/python3";
const script = join(projectRoot, "test/fixtures/grpc-client.py");
const descriptors = join(projectRoot, "services/results/src/gen/sightline.binpb");

/** A gRPC client that shares no code with Sightline: Python's grpcio in a process of its own. */
export class ForeignClient {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** Calls `CameraService/GetCamera` and the like. @throws GrpcError */
  async call(method: string, request: Json = {}): Promise<Json> {
    for await (const message of this.stream(method, request)) return message;
    throw new Error(`${method} answered nothing`);
  }

  /** Reads a server stream until the caller leaves the loop. @throws GrpcError */
  async *stream(method: string, request: Json = {}): AsyncGenerator<Json> {
    const args = [script, descriptors, this.#address, `sightline.v1.${method}`, JSON.stringify(request)];
    const child = spawn(python, args, { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        const message = JSON.parse(line);
        if (message.error) throw new GrpcError(message.error.code, message.error.message);
        yield message;
      }
    } finally {
      child.kill("SIGKILL");
      await exited;
    }
  }
}
