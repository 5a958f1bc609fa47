/**
 * Writes `slow-files.json` anew, from the report of a whole run on a calm machine:
 * `node_modules/.bin/vitest run --reporter=json --outputFile=report.json && node test/order/keep-times.ts report.json`
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

const leastSeconds = 5;
const root = join(import.meta.dirname, "../..");
const report = process.argv[2];
if (report === undefined) throw new Error("give the path of a JSON report of vitest");

const { testResults } = JSON.parse(readFileSync(report, "utf8")) as {
  testResults: { name: string; startTime: number; endTime: number }[];
};
const times = testResults
  .map(({ name, startTime, endTime }) => ({ file: relative(root, name), time: (endTime - startTime) / 1000 }))
  .filter(({ time }) => time >= leastSeconds)
  .sort((a, b) => b.time - a.time)
  .map(({ file, time }) => [file, Math.round(time)]);
writeFileSync(
  join(import.meta.dirname, "slow-files.json"),
  `${JSON.stringify(Object.fromEntries(times), null, 2)}\n`,
);
