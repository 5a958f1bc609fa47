import { useComputed } from "@preact/signals";
import { UserMenu } from "../access/user-menu.tsx";
import { route } from "../routing/navigation.ts";
import { mayAddCamera } from "../state/auth.ts";
import { connection } from "../state/live.ts";

const links: readonly { href: string; name: string; pages: readonly string[]; isOffered?: () => boolean }[] =
  [
    { href: "/", name: "Cameras", pages: ["wall", "camera", "editCamera", "zones"] },
    { href: "/events", name: "Events", pages: ["events"] },
    { href: "/timeline", name: "Timeline", pages: ["timeline"] },
    { href: "/system", name: "System", pages: ["system"] },
    { href: "/models", name: "Models", pages: ["models"] },
    { href: "/add", name: "Add camera", pages: ["addCamera"], isOffered: mayAddCamera },
    { href: "/settings", name: "Settings", pages: ["settings"] },
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
        <Brand />
      </a>
      <nav aria-label="Pages">
        <ul>
          {links
            .filter(({ isOffered = () => true }) => isOffered())
            .map(({ href, name, pages }) => (
              <li key={href}>
                <a href={href} aria-current={pages.includes(page.value) ? "page" : undefined}>
                  {name}
                </a>
              </li>
            ))}
        </ul>
      </nav>
      <UserMenu />
    </header>
  );
}

/** Says that the server is unreachable, and that the console keeps trying. */
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

/** The console's logo and name. */
export function Brand() {
  return (
    <>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path class="brand-frame" d="M7 12V7h5M20 7h5v5M25 20v5h-5M12 25H7v-5" />
        <path class="brand-line" d="M9 16h14" />
        <circle class="brand-eye" cx="16" cy="16" r="3" />
      </svg>
      Sightline
    </>
  );
}
