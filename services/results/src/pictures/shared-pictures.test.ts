import type { PictureRequest } from "@sightline/contracts";
import type { Picture } from "@sightline/service";
import { expect, test } from "vitest";
import { SharedPictures, stepWidth } from "./shared-pictures.ts";

function source() {
  const asked: { camera: string; request: PictureRequest; answer: (jpeg: number) => void }[] = [];
  const pictures = new SharedPictures((camera, request) => {
    const { promise, resolve } = Promise.withResolvers<Picture>();
    const answer = (jpeg: number) => resolve({ jpeg: Uint8Array.of(jpeg) } as Picture);
    asked.push({ camera, request, answer });
    return promise;
  });
  return { asked, pictures };
}

const id = (number: number) => ({ camera: "front", epoch: "e1", number });

test("a picture is asked for once for all who want about the same width", async () => {
  const { asked, pictures } = source();
  const wanted = [pictures.frame(id(1), 500), pictures.frame(id(1), 640), pictures.frame(id(1), 481)];
  const large = pictures.frame(id(1), 641);
  expect(asked.map(({ request }) => request)).toEqual([
    { epoch: "e1", number: 1, maxWidth: 640 },
    { epoch: "e1", number: 1, maxWidth: 800 },
  ]);
  asked[0]!.answer(1);
  asked[1]!.answer(2);
  for (const picture of wanted) expect((await picture)?.jpeg).toEqual(Uint8Array.of(1));
  expect((await large)?.jpeg).toEqual(Uint8Array.of(2));
  await pictures.frame(id(1), 500);
  expect(asked).toHaveLength(2);
});

test("two are under way for a camera and width; when one has come there is room again", async () => {
  const { asked, pictures } = source();
  const first = pictures.frame(id(1), 640);
  pictures.frame(id(2), 640);
  expect(pictures.frame(id(3), 640)).toBeUndefined();
  asked[0]!.answer(1);
  await first;
  expect(pictures.frame(id(4), 640)).toBeDefined();
});

test("what nobody watches is let go", async () => {
  const { asked, pictures } = source();
  const first = pictures.frame(id(1), 640);
  asked[0]!.answer(1);
  await first;
  pictures.retain(new Set(["front"]));
  void pictures.frame(id(1), 640);
  expect(asked).toHaveLength(1);
  pictures.retain(new Set(["back"]));
  void pictures.frame(id(1), 640);
  expect(asked).toHaveLength(2);
});

test("widths are rounded up", () => {
  expect([16, 160, 161, 1920, 4096].map(stepWidth)).toEqual([160, 160, 320, 1920, 4096]);
});
