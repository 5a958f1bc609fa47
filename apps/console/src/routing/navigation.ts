import { signal } from "@preact/signals";
import { parseRoute, type Route } from "./route.ts";

/** The current page. */
export const route = signal<Route>(parseRoute(location.pathname, location.search));

/** Whether leaving the page would lose unsaved changes. */
let unsaved: () => boolean = () => false;

/** Asks before the page is left while `isUnsaved` returns true, until the returned function is called. */
export function guardUnsaved(isUnsaved: () => boolean): () => void {
  unsaved = isUnsaved;
  const onUnload = (event: BeforeUnloadEvent) => {
    if (unsaved()) event.preventDefault();
  };
  addEventListener("beforeunload", onUnload);
  return () => {
    unsaved = () => false;
    removeEventListener("beforeunload", onUnload);
  };
}

export function hasUnsaved(): boolean {
  return unsaved();
}

/** Reloads the page, without any of its state. */
export function startOver(path = location.pathname + location.search): void {
  unsaved = () => false;
  location.replace(path);
}

/** Address of the current page, without origin. */
let shown = location.pathname + location.search;

/** Goes to another page of the console; `over` shows something on top of the current page. */
export function navigate(path: string, { replace = false, over = false } = {}): void {
  if (!replace && !mayLeave()) return;
  if (replace) history.replaceState(history.state, "", path);
  else history.pushState({ over }, "", path);
  show();
  if (!replace && !over) toTop();
}

/** Goes back to the page under the overlay; goes to `path` if the overlay was opened by its address. */
export function leaveOverlay(path: string): void {
  if (history.state?.over) history.back();
  else navigate(path, { replace: true });
}

/** Follows links to the console's own pages without reloading. */
export function interceptLinks(): void {
  addEventListener("popstate", onHistory);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey)
      return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.target !== "" || link.hasAttribute("download"))
      return;
    if (link.pathname.startsWith("/api/") || link.hash !== "") return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}

/** Back and forward. The address has already changed; if the user stays, it is set back. */
function onHistory(): void {
  if (location.pathname + location.search === shown) return;
  if (mayLeave()) show();
  else history.pushState(null, "", shown);
}

export function mayLeave(): boolean {
  return !unsaved() || confirm("Leave without saving? What was changed here will be lost.");
}

function show(): void {
  shown = location.pathname + location.search;
  route.value = parseRoute(location.pathname, location.search);
}

/** A new page starts at its heading, for the eye and for a screen reader. */
function toTop(): void {
  scrollTo(0, 0);
  requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true }));
}
