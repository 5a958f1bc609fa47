/** A page of the console and what it is about. */
export type Route =
  | { page: "wall" }
  | { page: "camera"; id: string }
  | { page: "editCamera"; id: string }
  | { page: "zones"; id: string }
  | { page: "addCamera" }
  | { page: "system" }
  | { page: "events"; query: URLSearchParams }
  | { page: "unknown" };

/** The page that a path (with its query, without origin) names. */
export function parseRoute(pathname: string, search = ""): Route {
  const parts = pathname.split("/").filter((part) => part !== "");
  const [first, second, third] = parts;
  if (parts.length === 0) return { page: "wall" };
  if (parts.length === 1 && first === "add") return { page: "addCamera" };
  if (parts.length === 1 && first === "system") return { page: "system" };
  if (parts.length === 1 && first === "events") return { page: "events", query: new URLSearchParams(search) };
  const id = decode(second);
  if (first !== "cameras" || id === undefined || parts.length > 3) return { page: "unknown" };
  if (third === undefined) return { page: "camera", id };
  if (third === "edit") return { page: "editCamera", id };
  if (third === "zones") return { page: "zones", id };
  return { page: "unknown" };
}

/** Path of a camera's page or of one of its sub-pages. */
export function cameraPath(id: string, sub?: "edit" | "zones"): string {
  return `/cameras/${encodeURIComponent(id)}${sub ? `/${sub}` : ""}`;
}

function decode(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
