import type { HttpCamera, HttpFinding } from "@sightline/contracts";

/** One trouble of one or several cameras. */
export interface FindingGroup {
  /** Of the camera that is named first. */
  finding: HttpFinding;
  /** Ids of the cameras, and what is said of each. */
  cameras: { id: string; text: string }[];
}

/**
 * Findings of cameras, gathered by what is the matter, in the order in which they come. What to do says which trouble it
 * is: texts hold the camera's own figures.
 */
export function groupFindings(
  cameras: readonly Pick<HttpCamera, "id" | "findings">[],
  wanted: (findings: readonly HttpFinding[]) => readonly HttpFinding[],
): FindingGroup[] {
  const groups = new Map<string, FindingGroup>();
  for (const { id, findings } of cameras)
    for (const finding of wanted(findings)) {
      const key = `${finding.level} ${finding.fix || finding.text}`;
      const group = groups.get(key) ?? { finding, cameras: [] };
      group.cameras.push({ id, text: finding.text });
      groups.set(key, group);
    }
  return [...groups.values()];
}
