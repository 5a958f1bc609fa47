/** `; did you mean NAME?` with the known name that is most like the one that was given, or nothing when none is. */
export function nameHint(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((candidate) => ({ candidate, steps: editDistance(name.toUpperCase(), candidate.toUpperCase()) }))
    .filter(({ candidate, steps }) => steps <= Math.max(2, candidate.length / 4))
    .sort((a, b) => a.steps - b.steps);
  return nearest === undefined ? "" : `; did you mean ${nearest.candidate}?`;
}

/** Characters to put in, take out or change to make one of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, character] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = row[j]! + (character === b[j] ? 0 : 1);
      next.push(Math.min(changed, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
