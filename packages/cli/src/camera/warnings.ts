/** Says on standard error what the server wants known of a camera that it has taken. */
export function printWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) console.error(`sightline: ${warning}`);
}
