/** A page of the console, with its parameters. */
export type Route =
  | { page: "wall" }
  | { page: "camera"; id: string; event?: string }
  | { page: "editCamera"; id: string }
  | { page: "zones"; id: string }
  | { page: "addCamera" }
  | { page: "system" }
  | { page: "models" }
  | { page: "settings" }
  | { page: "login"; fault: string; to: string }
  | { page: "events"; query: URLSearchParams; event?: { camera: string; id: string } }
  | { page: "timeline"; query: URLSearchParams }
  | { page: "unknown" };

/** The page for a path (with its query, without origin). */
export function parseRoute(pathname: string, search = ""): Route {
  const parts = pathname.split("/").filter((part) => part !== "");
  const [first, second, third, fourth] = parts;
  if (parts.length === 0) return { page: "wall" };
  if (parts.length === 1 && first === "add") return { page: "addCamera" };
  if (parts.length === 1 && first === "system") return { page: "system" };
  if (parts.length === 1 && first === "models") return { page: "models" };
  if (parts.length === 1 && first === "settings") return { page: "settings" };
  if (parts.length === 1 && first === "login") return loginRoute(new URLSearchParams(search));
  if (parts.length === 1 && first === "events") return { page: "events", query: new URLSearchParams(search) };
  if (parts.length === 1 && first === "timeline")
    return { page: "timeline", query: new URLSearchParams(search) };
  const id = decode(second);
  const event = decode(first === "events" ? third : fourth);
  if (parts.length === 3 && first === "events" && id !== undefined && event !== undefined)
    return { page: "events", query: new URLSearchParams(search), event: { camera: id, id: event } };
  if (parts.length === 4 && first === "cameras" && third === "events" && id !== undefined)
    return event === undefined ? { page: "unknown" } : { page: "camera", id, event };
  if (first !== "cameras" || id === undefined || parts.length > 3) return { page: "unknown" };
  if (third === undefined) return { page: "camera", id };
  if (third === "edit") return { page: "editCamera", id };
  if (third === "zones") return { page: "zones", id };
  return { page: "unknown" };
}

function loginRoute(query: URLSearchParams): Route {
  const to = query.get("to") ?? "/";
  // Only to a page of this console: an address from someone else must not lead elsewhere.
  const isOwn = to.startsWith("/") && !/^\/[/\\]/.test(to) && !to.startsWith("/api/");
  return { page: "login", fault: query.get("fault") ?? "", to: isOwn ? to : "/" };
}

/** Path of a camera's page or of one of its sub-pages. */
export function cameraPath(id: string, sub?: "edit" | "zones"): string {
  return `/cameras/${encodeURIComponent(id)}${sub ? `/${sub}` : ""}`;
}

/** Path of the events page with these filters, and optionally an open event. */
export function eventsPath(query: URLSearchParams, event?: { camera: string; id: string }): string {
  const path = event
    ? `/events/${encodeURIComponent(event.camera)}/${encodeURIComponent(event.id)}`
    : "/events";
  return query.size > 0 ? `${path}?${query}` : path;
}

/** Path of the timeline of all cameras, at a time of one camera, in milliseconds since 1970. */
export function timelinePath(camera: string, ms: number): string {
  return `/timeline?${new URLSearchParams({ camera, at: new Date(ms).toISOString() })}`;
}

/** Path of a camera's page with one of its events open. */
export function cameraEventPath(id: string, event?: { id: string }): string {
  return event ? `${cameraPath(id)}/events/${encodeURIComponent(event.id)}` : cameraPath(id);
}

function decode(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
