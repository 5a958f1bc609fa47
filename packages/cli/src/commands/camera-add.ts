import { createInterface } from "node:readline/promises";
import type { PlainSettings } from "@sightline/contracts";
import { Command } from "commander";
import {
  addCameraOptions,
  bundledModel,
  bundledModelScope,
  type CameraOptions,
  plainSettingsIn,
  toSettings,
} from "../camera/camera-options.ts";
import { cameraJson, printWarnings, warnUncheckedClasses } from "../camera/camera-view.ts";
import { CliError } from "../errors.ts";
import { withServer } from "../server-connection.ts";

interface AddOptions extends CameraOptions {
  /** Undefined when neither --probe nor --no-probe was given. */
  probe?: boolean;
}

/** `sightline camera add`: registers a camera. */
export function cameraAddCommand(): Command {
  const command = new Command("add")
    .argument("<name>", "1 to 63 characters of a-z, 0-9 and '-'")
    .argument(
      "<url>",
      "rtsp, rtsps, http or https URL (MJPEG, HLS), or file:///; user and password in it are stored apart and never shown",
    );
  return addCameraOptions(command)
    .option(
      "--probe",
      "try the camera from this machine first, and register it only if it gives pictures; at a terminal it is tried anyway, and you are asked",
    )
    .option("--no-probe", "register it without trying it")
    .action(async (name: string, uri: string, options: AddOptions) => {
      await probeFirst(name, uri, options);
      const camera = await withServer(command, (client) =>
        client.cameras.register(
          name,
          { uri, ...toSettings(options) },
          { onUncheckedClasses: warnUncheckedClasses, onWarnings: printWarnings },
        ),
      );
      if (options.json) return console.log(JSON.stringify(cameraJson(camera)));
      console.log(`${name} is registered: ${camera.uri}`);
      if (camera.model === bundledModel) console.log(`its model is ${bundledModel}: ${bundledModelScope}`);
    });
}

/**
 * Scripts register cameras that do not exist yet, so without a terminal only `--probe` tests them.
 * @throws CliError when the camera gives no pictures and the user does not want it without them
 */
async function probeFirst(name: string, uri: string, options: AddOptions): Promise<void> {
  const atTerminal = process.stdin.isTTY && process.stderr.isTTY;
  if (!(options.probe ?? atTerminal)) return;
  const { recordUri } = options;
  const settings = plainSettingsIn(options);
  const fault =
    (await whatIsWrong(uri, settings)) ??
    (recordUri
      ? await whatIsWrong(recordUri, { ...settings, videoTrack: 0 }, "its --record-uri: ")
      : undefined);
  if (fault === undefined) return;
  const said = `from this machine ${name} gives no pictures: ${fault}`;
  if (options.probe) throw new CliError("no_answer", `${said}; it is not registered`);
  if (!(await confirmed(`${said}\nregister it all the same? [y/N] `)))
    throw new CliError(
      "not_confirmed",
      `${name} is not registered; --no-probe registers it without trying it`,
    );
}

/** Why a camera gives no pictures here; undefined when it gives some. */
async function whatIsWrong(
  uri: string,
  { transport = "auto", videoTrack = 0, decode }: Partial<PlainSettings>,
  said = "",
): Promise<string | undefined> {
  // Loaded only here: scripts that add many cameras need none of it.
  const { examine } = await import("../camera/examine-camera.ts");
  const choice = decode === undefined || decode === "default" ? "auto" : decode;
  const { reception } = await examine(uri, { transport, videoTrack, decode: choice });
  return reception.ok ? undefined : said + reception.message;
}

async function confirmed(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } catch {
    // Ctrl-C, Ctrl-D.
    return false;
  } finally {
    prompt.close();
  }
}
