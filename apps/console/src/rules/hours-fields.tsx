import { TextField } from "../shell/field.tsx";
import type { ActiveHours } from "./rules-draft.ts";

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

interface Props {
  hours: ActiveHours | undefined;
  onChange: (hours: ActiveHours | undefined) => void;
}

/** The hours in which a rule applies. */
export function HoursFields({ hours, onChange }: Props) {
  const begin = (): ActiveHours => ({
    days: [],
    start: "08:00",
    end: "18:00",
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  return (
    <div class="hours">
      <label class="check">
        <input
          type="checkbox"
          checked={hours !== undefined}
          onChange={() => onChange(hours ? undefined : begin())}
        />
        Only at certain hours
      </label>
      {hours && (
        <fieldset>
          <legend>Active hours</legend>
          <div class="rule-fields">
            <TextField
              label="From (hh:mm)"
              value={hours.start}
              maxLength={5}
              onChange={(start) => onChange({ ...hours, start: start.trim() })}
            />
            <TextField
              label="To (hh:mm)"
              value={hours.end}
              maxLength={5}
              onChange={(end) => onChange({ ...hours, end: end.trim() })}
            />
            <TextField
              label="Time zone"
              value={hours.timeZone}
              placeholder="UTC"
              maxLength={63}
              onChange={(timeZone) => onChange({ ...hours, timeZone: timeZone.trim() })}
            />
          </div>
          <p class="note">An end before the start is on the next day. 24:00 is the end of a day.</p>
          <fieldset>
            <legend class="hidden">Days on which it begins; none means every day</legend>
            <div class="days">
              {days.map((name, index) => (
                <label key={name} class="check">
                  <input
                    type="checkbox"
                    checked={hours.days.includes(index + 1)}
                    onChange={() => onChange({ ...hours, days: toggled(hours.days, index + 1) })}
                  />
                  {name}
                </label>
              ))}
            </div>
          </fieldset>
        </fieldset>
      )}
    </div>
  );
}

function toggled(chosen: readonly number[], day: number): number[] {
  return chosen.includes(day) ? chosen.filter((one) => one !== day) : [...chosen, day].sort((a, b) => a - b);
}
