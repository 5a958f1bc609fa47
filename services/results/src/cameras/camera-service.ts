import {
  Camera,
  type CameraRecord,
  cameraIdOf,
  hasLabels,
  isCameraId,
  limits,
  parseLabel,
  pathOfSetting,
  plainSettings,
  plainSettingsJson,
  shareOfPlain,
} from "@sightline/contracts";
import type {
  DeleteCameraRequest,
  GetCameraRequest,
  ListCamerasRequest,
  ListCamerasResponse,
  RegisterCameraRequest,
  UpdateCameraRequest,
} from "@sightline/contracts/api";
import type { CameraStatusView } from "@sightline/service";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import { ApiError, faultsOf } from "../errors.ts";
import { cutPage, readPage } from "../history/page-token.ts";
import type { Admission } from "./admission.ts";
import { etagOf, toCameraMessage } from "./camera-message.ts";
import type { CameraRegistry, CameraWrite, StoredCamera } from "./camera-registry.ts";
import {
  checkSettings,
  mergeSettings,
  type UpdatablePath,
  updatablePaths,
  updatedPaths,
  wellFormed,
} from "./camera-settings.ts";
import { parseCameraUri, secretAfter } from "./camera-uri.ts";
import type { ModelCatalog } from "./model-catalog.ts";
import { parseRecordUri, recordStreamAfter } from "./record-streams.ts";

/** Fields that are stored in CameraShare. */
const sharePaths = plainSettings.flatMap(([name, { stored }]) =>
  stored === "share" ? pathOfSetting(name) : [],
);

/** Fields of a camera that change the demand on the workers. */
const demandPaths: ReadonlySet<string> = new Set(["*", "target_fps", "model", ...sharePaths]);

/** The unary calls of CameraService. Every method throws ApiError. */
export class CameraService {
  readonly #registry: CameraRegistry;
  readonly #status: CameraStatusView;
  readonly #catalog: ModelCatalog;
  readonly #admission: Admission;
  readonly #siteOf: (camera: string) => string | undefined;

  /** `siteOf`: the site that may own a camera with this name, whose events are copied here. */
  constructor(
    registry: CameraRegistry,
    status: CameraStatusView,
    catalog: ModelCatalog,
    admission: Admission,
    siteOf: (camera: string) => string | undefined = () => undefined,
  ) {
    this.#siteOf = siteOf;
    this.#admission = admission;
    this.#registry = registry;
    this.#status = status;
    this.#catalog = catalog;
  }

  /** @throws ApiError with all faults of the request, including those of its form; floor_not_promised, camera_exists, registry_unavailable */
  async register(request: RegisterCameraRequest, form = wellFormed): Promise<Camera> {
    const { cameraId, camera = Camera.create() } = request;
    const all = new Set(updatablePaths);
    const settings = checkSettings(camera, all, this.#catalog, form, [
      ...(form.fields.has("id") ? [] : faultsOf(() => this.#checkId(cameraId))),
      ...(form.fields.has("uri") ? [] : faultsOf(() => parseCameraUri(camera.uri))),
      ...(form.fields.has("record_uri") ? [] : faultsOf(() => parseRecordUri(camera.recordUri))),
    ]);
    const { uri, secret } = parseCameraUri(camera.uri);
    const recordStream = recordStreamAfter(parseRecordUri(camera.recordUri), undefined);
    checkTransport(settings.transport, uri, recordStream.stream?.uri);
    const now = new Date().toISOString();
    const record = { uri, ...settings, hasCredentials: Boolean(secret), createTime: now, updateTime: now };
    const share = shareOfPlain(plainSettingsJson(camera));
    const create = () => this.#registry.create(cameraId, { record, secret, recordStream, share });
    // If the camera already exists, that is the error, whatever floor the request has.
    const promises = camera.floorFps > 0 && !this.#registry.find(cameraId);
    const asked = { id: cameraId, model: settings.model, floorFps: camera.floorFps };
    return this.#message(await (promises ? this.#admission.promise(asked, create) : create()));
  }

  get(request: GetCameraRequest): Camera {
    return this.#message(this.#registry.require(readName(request.name)));
  }

  /** One page of the cameras that are in the scope and have the labels. @throws ApiError invalid_argument */
  list(request: ListCamerasRequest, scope: CameraScope): ListCamerasResponse {
    const page = readPage(request.pageSize, request.pageToken);
    checkWanted(request.labels);
    const isWanted = (id: string) =>
      scope.sees(id) && hasLabels(this.#registry.find(id)?.record.labels ?? {}, request.labels);
    const ids = this.#registry.ids().filter(isWanted);
    const { keys, nextPageToken } = cutPage(ids, page);
    const cameras = keys
      .flatMap((id) => this.#registry.find(id) ?? [])
      .map((stored) => this.#message(stored));
    return { cameras, nextPageToken, totalSize: ids.length };
  }

  /**
   * @throws ApiError with all faults of the request, including those of its form; camera_not_found, etag_mismatch, floor_not_promised,
   * registry_unavailable; permission_denied when the camera would leave the caller's scope
   */
  async update(
    request: UpdateCameraRequest,
    form = wellFormed,
    scope: CameraScope = allCameras,
  ): Promise<Camera> {
    const given = request.camera ?? Camera.create();
    const id = readName(given.name);
    const named = request.updateMask?.length || form.faults.length === 0;
    const paths = named ? updatedPaths(given, request.updateMask) : new Set<UpdatablePath>();
    const readUri = () => (paths.has("uri") ? parseCameraUri(given.uri) : undefined);
    const readRecordUri = () => (paths.has("record_uri") ? parseRecordUri(given.recordUri) : undefined);
    const change = (before: StoredCamera): CameraWrite => {
      if (given.etag !== "" && given.etag !== etagOf(before))
        throw new ApiError(
          "etag_mismatch",
          `camera '${id}' has changed since this etag; get it and try again`,
        );
      const old = before.record;
      const merged = mergeSettings(this.#message(before), given, paths);
      const settings = checkSettings(merged, paths, this.#catalog, form, [
        ...faultsOf(readUri),
        ...faultsOf(readRecordUri),
      ]);
      if (!scope.wouldSee(id, merged.labels))
        throw new ApiError(
          "permission_denied",
          `with these labels you could no longer see the camera '${id}'; ask someone who sees all cameras`,
        );
      const address = readUri();
      const uri = address?.uri ?? old.uri;
      const recordStream = paths.has("record_uri")
        ? recordStreamAfter(readRecordUri(), before.recordStream)
        : undefined;
      const recorded = recordStream ? recordStream.stream : before.recordStream;
      if (["uri", "record_uri", "transport"].some((path) => paths.has(path as UpdatablePath)))
        checkTransport(settings.transport, uri, recorded?.uri);
      this.#admission.check({ id, model: settings.model, floorFps: merged.floorFps }, before);
      const secret = address && secretAfter(address, old.uri);
      const hasCredentials = secret === undefined ? old.hasCredentials : secret !== null;
      return {
        record: {
          uri,
          ...settings,
          hasCredentials,
          createTime: old.createTime,
          updateTime: new Date().toISOString(),
        },
        secret,
        recordStream,
        share: sharePaths.some((path) => paths.has(path as UpdatablePath))
          ? shareOfPlain(plainSettingsJson(merged))
          : undefined,
      };
    };
    const update = () => this.#registry.update(id, change);
    if (!paths.has("floor_fps") && !paths.has("model")) return this.#message(await update());
    const before = this.#registry.require(id);
    const { record, share = before.share } = change(before);
    const asked = { id, model: record.model, floorFps: share?.floorFps ?? 0 };
    const promises = this.#admission.isMore(asked, before);
    return this.#message(await (promises ? this.#admission.promise(asked, update) : update()));
  }

  /** Classes of a camera that were accepted unchecked, because no worker serves its model now. */
  uncheckedClasses({ model, classes }: Camera): string[] {
    return this.#catalog.uncheckedClasses(model, classes);
  }

  /** Warnings about a camera that was registered, or whose fields in the mask were changed, in words. */
  warnings(camera: Camera, mask: readonly string[] = []): string[] {
    const isTold = mask.length === 0 || mask.some((path) => demandPaths.has(path));
    return isTold ? this.#admission.warnings(camera) : [];
  }

  /** Classes of a camera's model; empty while no worker serves it. */
  modelClasses({ model }: Camera): readonly string[] {
    return this.#catalog.find(model)?.classes ?? [];
  }

  async delete(request: DeleteCameraRequest): Promise<void> {
    await this.#registry.delete(readName(request.name));
  }

  #checkId(id: string): void {
    if (!isCameraId(id))
      throw new ApiError(
        "invalid_argument",
        "camera_id is not valid; expected 1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit",
      );
    const site = this.#siteOf(id);
    if (site !== undefined)
      throw new ApiError(
        "invalid_argument",
        `camera_id '${id}' begins as cameras of the site '${site}' are called here, and their events would be mixed; take a name that does not begin with '${site}-'`,
      );
  }

  #message(stored: StoredCamera): Camera {
    return toCameraMessage(stored, this.#status.find(stored.id));
  }
}

function checkWanted(labels: readonly string[]): void {
  const odd = labels.find((label) => !parseLabel(label));
  if (odd !== undefined || labels.length > limits.maxLabels)
    throw new ApiError(
      "invalid_argument",
      odd === undefined
        ? `labels has ${labels.length} entries; the most is ${limits.maxLabels}`
        : `labels has '${odd.slice(0, 64)}'; expected key=value, such as site=north`,
    );
}

/** @throws ApiError invalid_argument for UDP when one of the URLs does not support it */
function checkTransport(transport: CameraRecord["transport"], ...uris: (string | undefined)[]): void {
  if (transport === "udp" && uris.some((uri) => uri !== undefined && !/^rtsps?:/i.test(uri)))
    throw new ApiError(
      "invalid_argument",
      "camera.transport is UDP, which only RTSP cameras have; leave it at auto for http, https and file URLs",
    );
}

function readName(name: string): string {
  const id = cameraIdOf(name);
  if (id === undefined)
    throw new ApiError("invalid_argument", "the camera's name is not valid; expected cameras/{camera}");
  return id;
}
