import type { AxeResults } from "axe-core";
import axe from "axe-core";
import type { Locator, Page } from "playwright-core";
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

/** More tab stops than any page has. */
const mostStops = 250;

/** Goes on with the Tab key until `target` has the focus. @throws Error when it is not reached */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  const hasFocus = (element: { matches(selector: string): boolean }) => element.matches(":focus");
  await target.waitFor();
  for (let stop = 0; stop < mostStops; stop++) {
    if (await target.evaluate(hasFocus)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the Tab key does not lead to ${target}`);
}

/** Goes to a control with the Tab key and presses `key` there. */
export async function pressAt(page: Page, target: Locator, key = "Enter"): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

/** Goes to a field with the Tab key and writes into it. */
export async function typeAt(page: Page, target: Locator, text: string): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.type(text);
}
