import type { PixelFormatName } from "@sightline/contracts";
import { expect, test } from "vitest";
import { ServedForms } from "./served-forms.ts";
import { testModel } from "./testing/ingest-rig.ts";

test("frames are I420 as long as one of a model's workers reads it, and for five minutes after", () => {
  let minutes = 0;
  let workers: { model: string; pixelFormat?: PixelFormatName }[] = [{ model: testModel.name }];
  const forms = new ServedForms(
    () => workers,
    () => minutes * 60_000,
  );
  const formAt = (minute: number, name = testModel.name) => {
    minutes = minute;
    return forms.of({ ...testModel, name })?.pixelFormat;
  };
  expect(formAt(0)).toBe("gbrp");
  workers = [{ model: testModel.name }, { model: testModel.name, pixelFormat: "i420" }];
  expect(formAt(0)).toBe("i420");
  expect(formAt(0, "other")).toBe("gbrp");
  expect(forms.of(undefined)).toBeUndefined();
  expect(formAt(4)).toBe("i420");
  workers = [];
  expect(formAt(8)).toBe("i420");
  expect(formAt(10)).toBe("gbrp");
});

test("the five minutes begin when the last of them leaves, however long nobody has asked", () => {
  let minutes = 0;
  let workers: { model: string; pixelFormat?: PixelFormatName }[] = [
    { model: testModel.name, pixelFormat: "i420" },
  ];
  const forms = new ServedForms(
    () => workers,
    () => minutes * 60_000,
  );
  expect(forms.of(testModel)?.pixelFormat).toBe("i420");
  minutes = 60;
  workers = [];
  forms.seen(testModel.name);
  expect(forms.of(testModel)?.pixelFormat).toBe("i420");
  minutes = 66;
  expect(forms.of(testModel)?.pixelFormat).toBe("gbrp");
});
