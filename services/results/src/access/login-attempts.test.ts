import { expect, test } from "vitest";
import type { ApiError } from "../errors.ts";
import { AccessClock } from "./expiry.ts";
import { LoginAttempts } from "./login-attempts.ts";

test("who guesses waits longer and longer, by user and address, and the right user may come from elsewhere", async () => {
  const attempts = new LoginAttempts();
  const refused = async (user: string, address: string) =>
    attempts.begin(user, address).then(
      () => 0,
      (error: unknown) => (error as ApiError).retryAfterSeconds,
    );
  let let_in = 0;
  for (let i = 0; i < 1_000; i++) if ((await refused("tom", "192.0.2.1")) === 0) let_in++;
  expect(let_in).toBe(5);
  expect(await refused("tom", "192.0.2.1")).toBeGreaterThan(0);
  expect(await refused("tom", "198.51.100.7")).toBe(0);
  await attempts.succeeded("tom", "198.51.100.7");
  // All addresses of a network of IPv6 are one.
  for (let i = 0; i < 6; i++) await refused("ann", `2001:db8::${i + 1}`);
  expect(await refused("ann", "2001:db8::99")).toBeGreaterThan(0);
  expect(await refused("ann", "2001:db8:1::1")).toBe(0);
});

test("guesses from very many addresses slow new ones down, but not those from which the user has logged in", async () => {
  const attempts = new LoginAttempts();
  await attempts.begin("tom", "198.51.100.7");
  await attempts.succeeded("tom", "198.51.100.7");
  const outcomes: unknown[] = [];
  for (let i = 0; i < 200; i++)
    outcomes.push(await attempts.begin("tom", `10.0.${i >> 8}.${i & 255}`).catch((error) => error));
  expect(outcomes.at(-1)).toMatchObject({ code: "too_many_attempts" });
  await attempts.begin("tom", "198.51.100.7");
});

test("a clock that is set back gives nobody more time, and one that is set forward expires what is due", () => {
  let wall = 1_000_000;
  let monotonic = 0;
  const clock = new AccessClock(
    () => wall,
    () => monotonic,
  );
  monotonic += 5_000;
  wall += 5_000;
  expect(clock.now()).toBe(1_005_000);
  wall -= 3_600_000;
  monotonic += 1_000;
  expect(clock.now()).toBe(1_006_000);
  wall = 9_000_000;
  expect(clock.now()).toBe(9_000_000);
});
