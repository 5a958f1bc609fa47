import { describe, expect, it } from "vitest";
import { camerasFault, camerasIn, camerasName, camerasText } from "./access-words.ts";

describe("which cameras", () => {
  it("are written with commas or spaces between them, each once", () => {
    expect(camerasIn(" front, yard-*  front\n")).toEqual(["front", "yard-*"]);
    expect(camerasIn(camerasText(["front", "yard-*"]))).toEqual(["front", "yard-*"]);
  });

  it("are refused when none is named, or one cannot be a name", () => {
    expect(camerasFault(" , ")).toContain("* for all");
    for (const wrong of ["Front", "*-yard", "a*b", "-a", "site=", "a".repeat(64)])
      expect(camerasFault(`front ${wrong}`)).toContain(wrong);
    for (const right of ["*", "front", "yard-*", "site=north", "a".repeat(63)])
      expect(camerasFault(right)).toBe("");
  });

  it("are told in words", () => {
    expect(camerasName(["*"])).toBe("all");
    expect(camerasName([])).toBe("none");
    expect(camerasName(["front", "yard-*"])).toBe("front, yard-*");
  });
});
