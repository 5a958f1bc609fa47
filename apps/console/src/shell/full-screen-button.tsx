import type { RefObject } from "preact";

/** Shows an element on the whole screen, and as it was again; nothing where the browser cannot. */
export function FullScreenButton({ element }: { element: RefObject<HTMLElement | null> }) {
  if (!document.fullscreenEnabled) return null;
  const toggle = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void element.current?.requestFullscreen();
  };
  return (
    <button type="button" class="small wide" onClick={toggle}>
      Full screen
    </button>
  );
}
