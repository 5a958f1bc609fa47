import type { EventFilter } from "../api/calls.ts";
import { navigate } from "../routing/navigation.ts";
import { eventsPath } from "../routing/route.ts";
import { NumberField, SelectField, TextField, TimeField } from "../shell/field.tsx";
import { Page } from "../shell/page.tsx";
import { cameras } from "../state/cameras.ts";
import { system, useSystem } from "../state/system.ts";
import { title } from "../words/names.ts";
import { CountPanel } from "./count-panel.tsx";
import type { EventId } from "./event-feed.ts";
import { EventList } from "./event-list.tsx";
import { eventTypes } from "./event-words.ts";
import {
  seenAttributes,
  seenClasses,
  seenZones,
  siteOf,
  unregisteredCameras,
  useSeenNames,
} from "./seen-names.ts";

interface Props {
  query: URLSearchParams;
  event: EventId | undefined;
}

/** Events of all cameras. The filter and the open event are in the address, so that it can be saved and shared. */
export function EventsPage({ query, event }: Props) {
  useSystem();
  useSeenNames();
  const filter: Required<EventFilter> = {
    camera: query.get("camera") ?? "",
    type: query.get("type") ?? "",
    class: query.get("class") ?? "",
    zone: query.get("zone") ?? "",
    attribute: query.get("attribute") ?? "",
    text: query.get("text") ?? "",
    minScore: query.get("minScore") ?? "",
    minSeconds: query.get("minSeconds") ?? "",
    reviewed: query.get("reviewed") ?? "",
    from: query.get("from") ?? "",
    to: query.get("to") ?? "",
  };
  const list = cameras.value ?? [];
  const classes = new Set([
    ...(system.value?.models.flatMap((model) => model.classes) ?? []),
    ...seenClasses.value,
  ]);
  const zones = new Set([
    ...list.flatMap((state) => state.rules.value?.zones.map((zone) => zone.name) ?? []),
    ...seenZones.value,
  ]);
  const stages = system.value?.workers.flatMap(({ secondStages = [] }) => secondStages) ?? [];
  const attributes = new Set([
    ...stages.flatMap((stage) =>
      stage.attributes.flatMap(({ name, values }) => values.map((value) => `${name}=${value}`)),
    ),
    ...seenAttributes.value,
  ]);
  const registered = list.map((state) => state.id);
  const others = unregisteredCameras();
  const change = (name: keyof EventFilter, value: string) => {
    const next = new URLSearchParams(
      Object.entries({ ...filter, [name]: value }).filter(([, text]) => text !== ""),
    );
    navigate(eventsPath(next), { replace: true });
  };
  return (
    <Page title="Events">
      <search class="filters" aria-label="Which events">
        <Filter
          label="Camera"
          value={filter.camera}
          options={[...registered, ...others]}
          show={(id) => (others.includes(id) ? `${id} (${whereabouts(id)})` : id)}
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
        {(attributes.size > 0 || filter.attribute !== "") && (
          <Filter
            label="Attribute"
            value={filter.attribute}
            options={[...attributes]}
            show={(value) => value.replace("=", ": ")}
            onChange={(value) => change("attribute", value)}
          />
        )}
        <Filter
          label="Reviewed"
          value={filter.reviewed}
          options={["false", "true"]}
          show={(value) => (value === "true" ? "Reviewed" : "Not reviewed")}
          onChange={(value) => change("reviewed", value)}
        />
        <TimeField label="From" value={filter.from} onChange={(value) => change("from", value)} />
        <TimeField label="To" value={filter.to} onChange={(value) => change("to", value)} />
        <TextField
          label="Words"
          value={filter.text}
          maxLength={200}
          onChange={(value) => change("text", value)}
        />
        <NumberField
          label="Score, at least"
          value={Number(filter.minScore)}
          most={1}
          step={0.05}
          onChange={(value) => change("minScore", value > 0 ? String(value) : "")}
        />
        <NumberField
          label="Seconds, at least"
          value={Number(filter.minSeconds)}
          step={1}
          onChange={(value) => change("minSeconds", value > 0 ? String(value) : "")}
        />
      </search>
      <CountPanel filter={filter} />
      <EventList
        filter={filter}
        showCamera
        opened={event}
        addressOf={(opened) => eventsPath(query, opened)}
      />
    </Page>
  );
}

/** Why a camera that has events is not registered. */
function whereabouts(id: string): string {
  const site = siteOf(id);
  return site === undefined ? "removed" : `site ${site}`;
}

interface FilterProps {
  label: string;
  value: string;
  options: readonly string[];
  /** Text for an option. */
  show?: (option: string) => string;
  onChange: (value: string) => void;
}

function Filter({ label, value, options, show = String, onChange }: FilterProps) {
  // The value from the address is shown even if it is not known (yet).
  const all = value === "" || options.includes(value) ? options : [value, ...options];
  const pairs = all.map((option) => [option, show(option)] as const);
  return <SelectField label={label} value={value} options={[["", "All"], ...pairs]} onChange={onChange} />;
}
