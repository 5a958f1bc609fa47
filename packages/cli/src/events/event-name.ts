import { cameraName } from "@sightline/contracts";
import { InvalidArgumentError } from "commander";

/** The API's name of the event CAMERA/ID; `expected` is what should have been given. @throws InvalidArgumentError */
export function eventName(text: string, expected: string): string {
  const [, camera, id] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (camera === undefined)
    throw new InvalidArgumentError(`expected ${expected}, as the list prints it, not '${text}'`);
  return `${cameraName(camera)}/events/${id}`;
}
