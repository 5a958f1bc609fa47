import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { snapshotUrl } from "../api/calls.ts";
import { siteOf } from "./seen-names.ts";

/** An event younger than this may still get its picture. */
const newMs = 30_000;
const retryMs = 1_500;
const mostRetries = 4;
/** Pictures of a site come after its events, over a connection that may be busy: the wait doubles each time. */
const mostRetriesOfSite = 7;

interface ThumbnailProps {
  event: HttpEvent;
  name: string;
  href: string;
  onClick: (click: MouseEvent) => void;
}

/** The object of an event and its surroundings, small; a click opens the event. */
export function Thumbnail({ event, name, href, onClick }: ThumbnailProps) {
  const failures = useSignal(0);
  const missing = useSignal(false);
  const retry = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    missing.value = false;
    failures.value = 0;
    return () => clearTimeout(retry.current);
  }, [event.revision, event.hasSnapshot]);
  if (!event.hasSnapshot || missing.value) return <span class="thumbnail none" aria-hidden="true" />;
  const fail = () => {
    missing.value = true;
    // The server announces a picture before it is stored.
    const isNew = Date.now() - Date.parse(event.updateTime) < newMs;
    const ofSite = siteOf(event.camera) !== undefined;
    const before = failures.value++;
    if (ofSite ? before < mostRetriesOfSite : isNew && before < mostRetries)
      retry.current = setTimeout(() => (missing.value = false), retryMs * (ofSite ? 2 ** before : 1));
  };
  const url = `${snapshotUrl(event, false)}?cutOut=true&revision=${event.revision}`;
  return (
    <a class="thumbnail" aria-label={`Show the snapshot: ${name}`} href={href} onClick={onClick}>
      <img src={url} alt="" loading="lazy" decoding="async" width={96} height={96} onError={fail} />
    </a>
  );
}
