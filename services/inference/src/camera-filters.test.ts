import type { CameraRecord } from "@sightline/contracts";
import type { MirrorChange } from "@sightline/service";
import { expect, test } from "vitest";
import { CameraFilters } from "./camera-filters.ts";

const created = Date.parse("2026-01-01T00:00:00Z");

function record(minScore: number, registeredAt: number): CameraRecord {
  const time = new Date(registeredAt).toISOString();
  return {
    ...{
      uri: "rtsp://cam/x",
      transport: "tcp",
      targetFps: 0,
      model: "m",
      classes: [],
      hasCredentials: false,
    },
    ...{ minScore, createTime: time, updateTime: time },
  };
}

function registry() {
  let tell: (change: MirrorChange<CameraRecord>) => void = () => undefined;
  const filters = new CameraFilters({
    onChange: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
  const put = (value: CameraRecord | undefined) => tell({ key: "front", value, previous: undefined });
  return { filters, put };
}

test("a frame that comes before the registry's word of its camera waits for it", async () => {
  const { filters, put } = registry();
  const early = filters.of("front", created);
  put(record(0.5, created));
  expect(await early).toMatchObject({ minScore: 0.5 });
  expect(filters.of("front", created)).toMatchObject({ minScore: 0.5 });
  put(record(0.6, created));
  expect(filters.of("front", created)).toMatchObject({ minScore: 0.6 });
});

test("a new camera's frame is not judged by what the one before it of its name asked for, nor the other way round", async () => {
  const { filters, put } = registry();
  put(record(0.2, created));
  const early = filters.of("front", created + 1);
  put(undefined);
  put(record(0.5, created + 1));
  expect(await early).toMatchObject({ minScore: 0.5 });
  expect(filters.of("front", created)).toBeUndefined();
});

test("of a removed camera nothing is published; a frame that does not say which camera it is of is as the name asks", async () => {
  const { filters, put } = registry();
  put(record(0.5, created));
  expect(filters.of("front", undefined)).toMatchObject({ minScore: 0.5 });
  put(undefined);
  expect(await filters.of("front", created)).toBeUndefined();
  expect(filters.of("front", undefined)).toEqual({ minScore: 0, classes: undefined, secondStages: [] });
});
