import type { HttpAnalysedFramePage } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckedApi } from "../../testing/api-document.ts";
import { RunningResults } from "../../testing/running-results.ts";
import { sampleFrame } from "../../testing/sample-frames.ts";

let results: RunningResults;
let api: CheckedApi;
beforeAll(async () => {
  results = await RunningResults.start();
  api = await CheckedApi.open(results.addresses.http);
});
afterAll(() => results.stop());

test("what was detected in a camera's frames is listed by time, a page at a time", async () => {
  await api.call("post", "/cameras", { body: { id: "front", uri: "rtsp://cam/x" } });
  for (let number = 1; number <= 5; number++)
    await results.publish(sampleFrame({ number, ...(number === 3 && { found: [] }) }));
  await results.publish(sampleFrame({ camera: "back", number: 1 }));
  const page = async (query: string) =>
    (await api.call("get", "/cameras/{camera}/detections", { params: { camera: "front" }, query }))
      .body as HttpAnalysedFramePage;
  const numbers = ({ frames }: HttpAnalysedFramePage) => frames.map(({ number }) => number);
  await expect.poll(async () => numbers(await page("?empty=true"))).toEqual([1, 2, 3, 4, 5]);
  const all = await page("?empty=true");
  expect(all.nextPageToken).toBe("");
  expect(all.frames[0]).toMatchObject({
    ...{ camera: "front", epoch: "e1", number: 1 },
    detections: [{ className: "person", score: 0.9, box: [0.1, 0.2, 0.3, 0.8] }],
  });
  expect(all.frames[2]!.detections).toEqual([]);
  expect(numbers(await page(""))).toEqual([1, 2, 4, 5]);

  const first = await page("?empty=true&pageSize=2");
  expect(numbers(first)).toEqual([1, 2]);
  const token = encodeURIComponent(first.nextPageToken);
  expect(numbers(await page(`?empty=true&pageSize=2&pageToken=${token}`))).toEqual([3, 4]);

  // Times in queries are whole milliseconds, as a page's script has them.
  const from = new Date(Math.floor(all.frames[3]!.captureTimeMs)).toISOString();
  expect(numbers(await page(`?empty=true&from=${from}`)).at(-1)).toBe(5);
  expect(numbers(await page(`?empty=true&to=${from}`))).not.toContain(4);
  const wrong = await api.call("get", "/cameras/{camera}/detections", {
    params: { camera: "front" },
    query: "?after=2026-01-01T00:00:00Z",
  });
  expect(wrong).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining("did you mean from?") },
  });
});
