import { setFlagsFromString } from "node:v8";

/**
 * Tells V8 that large buffers come and go here. By default it collects all garbage whenever a few tens of megabytes of
 * buffers were allocated, which with frames of a megabyte is several times a second, and was half of what a frame cost
 * (docs/decisions/frames-on-nats.md). With this flag buffers count towards the heap's own limits instead.
 */
export function expectLargeBuffers(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
