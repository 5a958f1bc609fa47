import { describe, expect, it } from "vitest";
import { cameraEventPath, cameraPath, eventsPath, parseRoute, timelinePath } from "./route.ts";

function split(address: string): [string, string] {
  const { pathname, search } = new URL(address, "http://host");
  return [pathname, search];
}

describe("routes", () => {
  it("names each page by its path", () => {
    expect(parseRoute("/")).toEqual({ page: "wall" });
    expect(parseRoute("/add")).toEqual({ page: "addCamera" });
    expect(parseRoute("/system/")).toEqual({ page: "system" });
    expect(parseRoute("/cameras/front")).toEqual({ page: "camera", id: "front" });
    expect(parseRoute("/cameras/front/edit")).toEqual({ page: "editCamera", id: "front" });
    expect(parseRoute("/cameras/front/zones")).toEqual({ page: "zones", id: "front" });
  });

  it("goes on after the login to a page of this console only", () => {
    const login = (to: string) =>
      parseRoute("/login", `?${new URLSearchParams({ to, fault: "oidc_expired" })}`);
    const events = "/events/front/1?type=left";
    expect(login(events)).toEqual({ page: "login", fault: "oidc_expired", to: events });
    for (const to of [
      "https://evil.example/",
      "//evil.example",
      "/\\evil.example",
      "/api/v1/cameras",
      "events",
    ])
      expect(login(to)).toMatchObject({ to: "/" });
    expect(parseRoute("/login")).toEqual({ page: "login", fault: "", to: "/" });
    expect(parseRoute("/settings")).toEqual({ page: "settings" });
  });

  it("keeps the filters of the events page", () => {
    const route = parseRoute("/events", "?camera=front&type=appeared");
    expect(route.page === "events" && [...route.query]).toEqual([
      ["camera", "front"],
      ["type", "appeared"],
    ]);
  });

  it("gives an opened event an address, with the filters of the list it is in", () => {
    const event = { camera: "front", id: "ab/1" };
    const route = parseRoute(...split(eventsPath(new URLSearchParams("type=left"), event)));
    expect(route).toMatchObject({ page: "events", event });
    expect(route.page === "events" && route.query.get("type")).toBe("left");
    expect(parseRoute(cameraEventPath("front", event))).toEqual({
      page: "camera",
      id: "front",
      event: "ab/1",
    });
    expect(parseRoute(cameraEventPath("front"))).toEqual({ page: "camera", id: "front" });
    expect(parseRoute("/events/front")).toEqual({ page: "unknown" });
  });

  it("gives a moment of a camera an address on the timeline of all", () => {
    const route = parseRoute(...split(timelinePath("a b", 1_764_000_000_123)));
    expect(route.page === "timeline" && [...route.query]).toEqual([
      ["camera", "a b"],
      ["at", "2025-11-24T16:00:00.123Z"],
    ]);
    expect(parseRoute("/timeline/x")).toEqual({ page: "unknown" });
  });

  it("does not know other paths, nor broken escapes", () => {
    for (const path of ["/cameras", "/cameras/front/other", "/cameras/a/edit/b", "/x", "/cameras/%E0%A4%A"])
      expect(parseRoute(path)).toEqual({ page: "unknown" });
  });

  it("reads the paths that it writes", () => {
    expect(parseRoute(cameraPath("a b/c", "zones"))).toEqual({ page: "zones", id: "a b/c" });
  });
});
