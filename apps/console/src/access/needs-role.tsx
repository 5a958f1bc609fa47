import type { RoleName } from "@sightline/contracts";
import type { ComponentChildren } from "preact";
import { Page } from "../shell/page.tsx";
import { may } from "../state/auth.ts";

interface Props {
  needs: RoleName;
  /** The page's heading. */
  title: string;
  children: ComponentChildren;
}

/** A page for those who have this role; others are told whom to ask. */
export function NeedsRole({ needs, title, children }: Props) {
  if (may(needs)) return <>{children}</>;
  return (
    <Page title={title}>
      <p>
        This needs the role “{needs}”, which you do not have. An administrator can give it to you.{" "}
        <a href="/">All cameras</a>
      </p>
    </Page>
  );
}
