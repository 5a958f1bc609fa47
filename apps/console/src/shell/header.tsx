import { useComputed } from "@preact/signals";
import { route } from "../routing/navigation.ts";
import { connection } from "../state/live.ts";

const links = [
  { href: "/", name: "Cameras", pages: ["wall", "camera", "editCamera", "zones"] },
  { href: "/events", name: "Events", pages: ["events"] },
  { href: "/system", name: "System", pages: ["system"] },
  { href: "/add", name: "Add camera", pages: ["addCamera"] },
];

/** The console's name and its main pages. */
export function Header() {
  const page = useComputed(() => route.value.page);
  return (
    <header class="header">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path class="brand-frame" d="M7 12V7h5M20 7h5v5M25 20v5h-5M12 25H7v-5" />
          <path class="brand-line" d="M9 16h14" />
          <circle class="brand-eye" cx="16" cy="16" r="3" />
        </svg>
        Sightline
      </a>
      <nav aria-label="Pages">
        <ul>
          {links.map(({ href, name, pages }) => (
            <li key={href}>
              <a href={href} aria-current={pages.includes(page.value) ? "page" : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

/** Tells that the server is gone, and that the console keeps trying. */
export function ConnectionBanner() {
  return (
    <div class="banner-place" role="alert">
      {connection.value === "lost" && (
        <p class="banner" data-testid="connection-banner">
          The server does not answer. Reconnecting …
        </p>
      )}
    </div>
  );
}
