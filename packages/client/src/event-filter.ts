import {
  cameraName,
  EventFilter as EventFilterMessage,
  type EventPhase,
  type EventType,
} from "@sightline/contracts";

/** Which events are wanted; everything when nothing is given. */
export interface EventFilter {
  /** Camera ids. */
  cameras?: readonly string[];
  types?: readonly EventType[];
  /** Class names; events without a track do not pass when any is given. */
  classes?: readonly string[];
  /** Names of zones. */
  zones?: readonly string[];
  /** Names of rules. */
  rules?: readonly string[];
  phases?: readonly EventPhase[];
  /** Attributes of the object with the values that will do, such as { colour: ["red"] }; all must be met. */
  attributes?: Readonly<Record<string, readonly string[]>>;
}

/** The message form of a filter. */
export function toFilterMessage(filter: EventFilter): EventFilterMessage {
  const { cameras, types, classes, zones, rules, phases, attributes } = filter;
  return EventFilterMessage.fromPartial({
    cameras: cameras?.map(cameraName),
    types: types && [...types],
    classes: classes && [...classes],
    zones: zones && [...zones],
    rules: rules && [...rules],
    phases: phases && [...phases],
    attributes:
      attributes && Object.entries(attributes).map(([name, values]) => ({ name, values: [...values] })),
  });
}
