import { expect, test } from "vitest";
import { annexB, parameterSetsOf } from "./parameter-sets.ts";
import { numberedVideo } from "./testing/index.ts";

test.each(["H264", "H265"] as const)(
  "%s: sets that come twice are the same as those that come once",
  async (codec) => {
    const { units } = await numberedVideo({ codec, seconds: 1, keyEvery: 5 });
    const once = parameterSetsOf(codec, units[0]!.data, undefined)!;
    const twice = Buffer.concat([annexB(once), units[0]!.data]);
    expect(parameterSetsOf(codec, twice, undefined)).toEqual(once);
    expect(parameterSetsOf(codec, twice, once)).toBe(once);
  },
);
