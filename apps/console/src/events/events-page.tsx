import type { EventFilter } from "../api/calls.ts";
import { navigate } from "../routing/navigation.ts";
import { LabelledSelect } from "../shell/labelled.tsx";
import { Page } from "../shell/page.tsx";
import { cameras } from "../state/cameras.ts";
import { system, useSystem } from "../state/system.ts";
import { title } from "../words/names.ts";
import { EventList } from "./event-list.tsx";
import { eventTypes } from "./event-words.ts";

/** Events of all cameras. The filter is in the address, so that it can be kept and sent. */
export function EventsPage({ query }: { query: URLSearchParams }) {
  useSystem();
  const filter: EventFilter = {
    camera: query.get("camera") ?? "",
    type: query.get("type") ?? "",
    class: query.get("class") ?? "",
    zone: query.get("zone") ?? "",
  };
  const list = cameras.value ?? [];
  const classes = new Set(system.value?.models.flatMap((model) => model.classes) ?? []);
  const zones = new Set(list.flatMap((state) => state.rules.value?.zones.map((zone) => zone.name) ?? []));
  const change = (name: keyof EventFilter, value: string) => {
    const next = new URLSearchParams(
      Object.entries({ ...filter, [name]: value }).filter(([, text]) => text !== ""),
    );
    navigate(next.size > 0 ? `/events?${next}` : "/events", { replace: true });
  };
  return (
    <Page title="Events">
      <search class="filters" aria-label="Which events">
        <Filter
          label="Camera"
          value={filter.camera}
          options={list.map((state) => state.id)}
          onChange={(value) => change("camera", value)}
        />
        <Filter
          label="What"
          value={filter.type}
          options={eventTypes}
          show={title}
          onChange={(value) => change("type", value)}
        />
        <Filter
          label="Class"
          value={filter.class}
          options={[...classes]}
          onChange={(value) => change("class", value)}
        />
        <Filter
          label="Zone"
          value={filter.zone}
          options={[...zones]}
          onChange={(value) => change("zone", value)}
        />
      </search>
      <EventList filter={filter} showCamera />
    </Page>
  );
}

interface FilterProps {
  label: string;
  value: string;
  options: readonly string[];
  /** What is shown for an option. */
  show?: (option: string) => string;
  onChange: (value: string) => void;
}

function Filter({ label, value, options, show = String, onChange }: FilterProps) {
  // What the address asks for is shown though it is not known (yet).
  const all = value === "" || options.includes(value) ? options : [value, ...options];
  const pairs = all.map((option) => [option, show(option)] as const);
  return <LabelledSelect label={label} value={value} options={[["", "All"], ...pairs]} onChange={onChange} />;
}
