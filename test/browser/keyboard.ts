import type { Locator, Page } from "playwright-core";

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
