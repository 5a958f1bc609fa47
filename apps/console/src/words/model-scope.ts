/** The models that ship, and what each is for. */
const scopes: Readonly<Record<string, string>> = {
  "yolo-nas-pedestrians":
    "The model that ships is a demonstration: it finds people only, and only as the one street camera that it was trained on sees them. It is not meant for other cameras.",
};

/** What a model must not be relied on for; empty for one that did not come with Sightline. */
export function modelScope(name: string): string {
  return scopes[name] ?? "";
}
