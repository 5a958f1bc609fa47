import type { HttpCamera, HttpFinding } from "@sightline/contracts";

/** Whether the stream that is to be recorded, where that is not the analysed one, cannot be had. */
export function* findRecordStream({ status }: Pick<HttpCamera, "status">): Generator<HttpFinding> {
  const stream = status.recording?.stream;
  if (stream?.state !== "down") return;
  yield {
    level: "warning",
    text: `Nothing is recorded, since the recorded stream gives no video: ${stream.message}.`,
    fix: "The analysis goes on, and the stream is connected again by itself. Check its address in the camera's settings, and that the camera gives two streams at a time.",
  };
}
