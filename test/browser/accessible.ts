import axe, { type AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { patience } from "./console-system.ts";

const looks = [
  { name: "wide, light", width: 1280, height: 900, colorScheme: "light" },
  { name: "wide, dark", width: 1280, height: 900, colorScheme: "dark" },
  { name: "phone, light", width: 360, height: 740, colorScheme: "light" },
  { name: "phone, dark", width: 360, height: 740, colorScheme: "dark" },
] as const;

/** Lets `expectAccessible` look at the page; before it is opened. */
export async function prepareAccessible(page: Page): Promise<void> {
  await page.addInitScript(axe.source);
}

/** What is shown has no fault that axe finds and fits the page's width: in light and dark, wide and narrow. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const { name, width, height, colorScheme } of looks) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    expect(await violations(page), name).toEqual([]);
    const wider = () => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    const message = `${name}: pixels beyond the page's width`;
    await expect.poll(wider, { ...patience, message }).toBeLessThanOrEqual(0);
  }
}

async function violations(page: Page): Promise<string[]> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  // Of other results than violations axe then names one element a rule, in a third of the time.
  const options = { runOnly: tags, resultTypes: ["violations"] };
  const found = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  expect(found.passes.length).toBeGreaterThan(5);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
