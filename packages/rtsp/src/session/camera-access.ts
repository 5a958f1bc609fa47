import { CameraNetworks } from "../address/camera-networks.ts";

/** Where cameras may be. */
export interface CameraAccess {
  networks: CameraNetworks;
  /**
   * Where a camera may redirect to: its own host only, or any address that `networks` allows. The user and password go to the
   * camera's own host only.
   */
  redirects: "same-host" | "any";
  /** Folder whose files may be played as cameras; none may be without it. */
  files?: string | undefined;
}

/** What holds when nobody chose otherwise. */
export const defaultAccess: CameraAccess = { networks: CameraNetworks.parse(""), redirects: "same-host" };
