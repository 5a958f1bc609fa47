import { type Browser, chromium } from "playwright-core";

/** Starts the system's Chromium without a window; `CHROMIUM_PATH` names another one. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH || "/usr/bin/chromium",
    // The tests may run as root, and where /dev/shm is small.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}
