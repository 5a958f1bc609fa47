import {
  CrossingDirection,
  EndReason,
  type Event,
  EventPhase,
  EventType,
  type Rule,
  type Track,
} from "@sightline/contracts";

/** A rule's event in words. */
export function eventWords(event: Event, rule: Rule): string {
  return event.type === EventType.COUNT_ABOVE || event.type === EventType.COUNT_BELOW
    ? countWords(event, rule)
    : trackWords(event, rule);
}

function trackWords(event: Event, rule: Rule): string {
  const who = objectWords(event.track);
  if (event.phase === EventPhase.END) {
    const there = rule.zone === "" ? "in sight" : `in ${rule.zone}`;
    switch (event.endReason) {
      case EndReason.TRACK_LOST:
        return rule.zone === "" ? `${who} went out of sight` : `${who} went out of sight in ${rule.zone}`;
      case EndReason.CAMERA_DOWN:
        return `camera went down while ${who} was ${there}`;
      case EndReason.RULE_INACTIVE:
        return `rule ${rule.name} ceased to apply while ${who} was ${there}`;
      case EndReason.CAMERA_REMOVED:
        return `camera was removed while ${who} was ${there}`;
      case EndReason.CAMERA_CHANGED:
        return `camera was given another address while ${who} was ${there}`;
      default:
        return leaving(who, rule.zone);
    }
  }
  switch (event.type) {
    case EventType.APPEARED:
      return rule.zone === "" ? `${who} appeared` : `${who} appeared in ${rule.zone}`;
    case EventType.ENTERED_ZONE:
      return `${who} entered ${rule.zone}`;
    case EventType.DWELLED:
      return `${who} has been ${rule.zone === "" ? "there" : `in ${rule.zone}`} for ${rule.minDwellSeconds} s`;
    case EventType.CROSSED_LINE:
      return event.direction === CrossingDirection.LEFT_TO_RIGHT
        ? `${who} crossed ${rule.line} from left to right`
        : `${who} crossed ${rule.line} from right to left`;
    default:
      return leaving(who, rule.zone);
  }
}

/** The object in words, by its class and its attributes from second stages: `person (colour red)`. */
function objectWords(track: Track | undefined): string {
  const known = track?.attributes.map(({ name, value }) => `${name} ${value}`) ?? [];
  const what = track?.className || "object";
  return known.length === 0 ? what : `${what} (${known.join(", ")})`;
}

function leaving(who: string, zone: string): string {
  return zone === "" ? `${who} left` : `${who} left ${zone}`;
}

function countWords(event: Event, rule: Rule): string {
  const of = rule.classes.length === 0 ? "object" : rule.classes.join("/");
  const asked = rule.attributes.map(({ name, values }) => `${name} ${values.join("/")}`);
  const what = asked.length === 0 ? of : `${of} (${asked.join(", ")})`;
  const where = rule.zone === "" ? "" : ` in ${rule.zone}`;
  const than = `${event.type === EventType.COUNT_ABOVE ? "above" : "below"} ${rule.count}`;
  if (event.phase !== EventPhase.END) return `${what} count${where} is ${event.count}, ${than}`;
  switch (event.endReason) {
    case EndReason.CAMERA_DOWN:
      return `camera went down while ${what} count${where} was ${than}`;
    case EndReason.RULE_INACTIVE:
      return `rule ${rule.name} ceased to apply while ${what} count${where} was ${than}`;
    case EndReason.CAMERA_REMOVED:
      return `camera was removed while ${what} count${where} was ${than}`;
    case EndReason.CAMERA_CHANGED:
      return `camera was given another address while ${what} count${where} was ${than}`;
    default:
      return `${what} count${where} is ${event.count}, no longer ${than}`;
  }
}
