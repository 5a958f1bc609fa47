import type { CallSettings, SightlineClient } from "@sightline/client";
import { type Camera, cameraIdOf, isCameraId } from "@sightline/contracts";
import { warnUncheckedClasses } from "../camera/camera-view.ts";
import { CliError } from "../errors.ts";

const maxClassLength = 64;

/**
 * A filter may name cameras that are not registered, since the server keeps a camera's data after its removal. A command that follows
 * such a camera would wait for ever, so the commands check it first. Invalid names are left to the server.
 * @throws SightlineError NOT_FOUND for the first camera that does not exist
 */
export async function requireCameras(
  client: SightlineClient,
  cameras: readonly string[],
  call: CallSettings = {},
): Promise<void> {
  for (const camera of cameras) if (isCameraId(camera)) await client.cameras.get(camera, call);
}

/** Like {@link requireCameras}, for zones of these cameras, or of any camera when none is named. @throws CliError */
export async function requireZones(
  client: SightlineClient,
  zones: readonly string[],
  cameras: readonly string[],
  call: CallSettings = {},
): Promise<void> {
  if (zones.length === 0) return;
  const known = new Set<string>();
  const ids = cameras.length > 0 ? cameras : await cameraIds(client, call);
  for (const id of ids) for (const { name } of (await client.rules.get(id, call)).zones) known.add(name);
  const missing = zones.find((zone) => !known.has(zone));
  if (missing === undefined) return;
  // Loaded only here: it loads everything that a service needs.
  const { nameHint } = await import("@sightline/service");
  const whose = cameras.length > 0 ? `${cameras.join(", ")} has no zone` : "no camera has a zone";
  throw new CliError("not_found", `${whose} '${missing}'${nameHint(missing, [...known])}`);
}

/**
 * Like {@link requireCameras}, for the classes of these cameras' models, or of all cameras' models when none is named. If no worker
 * serves a model now, a message on standard error says that the classes could not be checked. @throws CliError
 */
export async function requireClasses(
  client: SightlineClient,
  classes: readonly string[],
  cameras: readonly string[],
  call: CallSettings = {},
): Promise<void> {
  // Invalid names are left to the server.
  const asked = classes.filter((name) => name.length <= maxClassLength);
  if (asked.length === 0) return;
  const byModel = new Map<string, string>();
  for (const { name, model } of await allCameras(client, call)) {
    const id = idOf(name);
    if (cameras.length === 0 || cameras.includes(id)) byModel.set(model, id);
  }
  const known = await Promise.all([...byModel.values()].map((id) => client.cameras.modelClasses(id, call)));
  const missing = asked.filter((name) => !known.flat().includes(name));
  if (missing.length === 0 || known.length === 0) return;
  if (known.some((names) => names.length === 0)) return warnUncheckedClasses(missing);
  const names = [...new Set(known.flat())];
  const { nameHint } = await import("@sightline/service");
  const whose = known.length === 1 ? "the cameras' model does not know" : "no model of the cameras knows";
  const hint =
    nameHint(missing[0]!, names) || `; known ${names.length === 1 ? "is" : "are"} ${shortList(names)}`;
  throw new CliError("not_found", `${whose} the class '${missing[0]}'${hint}`);
}

/**
 * Stored items, one by one; then, for cameras of the filter without items, a check that they exist.
 * @throws SightlineError NOT_FOUND for a camera that does not exist and has no stored items
 */
export async function* keptOf<T>(
  items: AsyncIterable<T>,
  cameraOf: (item: T) => string | undefined,
  client: SightlineClient,
  cameras: readonly string[],
): AsyncGenerator<T, void> {
  const missing = new Set(cameras);
  for await (const item of items) {
    missing.delete(cameraOf(item) ?? "");
    yield item;
  }
  await requireCameras(client, [...missing]);
}

async function cameraIds(client: SightlineClient, call: CallSettings): Promise<string[]> {
  return (await allCameras(client, call)).map(({ name }) => idOf(name));
}

function allCameras(client: SightlineClient, call: CallSettings): Promise<Camera[]> {
  return Array.fromAsync(client.cameras.list({ ...call, pageSize: 1_000 }));
}

function idOf(name: string): string {
  return cameraIdOf(name) ?? name;
}

function shortList(names: readonly string[]): string {
  return names.length <= 10 ? names.join(", ") : `${names.slice(0, 10).join(", ")}, …`;
}
