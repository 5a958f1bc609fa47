import type { ActiveHours } from "@sightline/contracts";
import { isTimeZone, minuteOfDay } from "../active-hours.ts";
import type { RulesFault } from "../errors.ts";

export function activeHoursFaults(field: string, hours: ActiveHours): RulesFault[] {
  const faults: RulesFault[] = [];
  for (const [index, day] of hours.days.entries()) {
    if (!(Number.isInteger(day) && day >= 1 && day <= 7)) {
      faults.push({
        field: `${field}.days[${index}]`,
        message: `A day is 1 (Monday) to 7 (Sunday), not ${day}.`,
      });
    } else if (hours.days.indexOf(day) < index) {
      faults.push({ field: `${field}.days[${index}]`, message: `Day ${day} is named twice.` });
    }
  }
  const start = minuteOfDay(hours.start);
  if (start === undefined || start === 24 * 60) {
    faults.push({
      field: `${field}.start`,
      message: `Must be a time from 00:00 to 23:59, not "${hours.start}".`,
    });
  }
  const end = minuteOfDay(hours.end);
  if (end === undefined) {
    faults.push({
      field: `${field}.end`,
      message: `Must be a time from 00:00 to 24:00, not "${hours.end}".`,
    });
  } else if (start === end) {
    faults.push({
      field: `${field}.end`,
      message: "Start and end are the same, so the rule would never apply; for whole days, 00:00 to 24:00.",
    });
  }
  if (!isTimeZone(hours.timeZone)) {
    faults.push({
      field: `${field}.time_zone`,
      message: `"${hours.timeZone}" is no time zone; give a name such as Europe/Berlin, or leave it out for UTC.`,
    });
  }
  return faults;
}
