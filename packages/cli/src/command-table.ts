import type { Command } from "commander";

/** One command: where it hangs (a group, or a command that does something by itself), what it is for, and how to get it. Only the command that runs is loaded. */
export interface CommandEntry {
  path: readonly [string] | readonly [group: string, name: string];
  description: string;
  load: () => Promise<Command>;
}

/** What the groups of commands are for. */
export const groups: Readonly<Record<string, string>> = {
  user: "make, list, change and remove users",
  token: "make, list and revoke what programs call with",
  camera: "register, list, change and remove cameras",
  rules: "set, print and check what turns a camera's objects into events",
  "dead-letters": "list, deliver again and delete messages that subscriptions could not deliver",
  model: "build, prepare, quantize and evaluate YOLO-NAS models",
  nats: "keys by which a closed NATS knows the services",
  secrets: "keys that cameras' passwords are encrypted with",
  tls: "certificates of gRPC and HTTP",
  gpu: "set up what GPUs need",
  bench: "measure",
  export: "write what is kept of events and detections to files",
};

/** Every command, in the order of the help. */
export const commandTable: readonly CommandEntry[] = [
  {
    path: ["demo"],
    description: "run everything on real RTSP cameras that play the bundled clip, and print detections live",
    load: async () => (await import("./commands/demo.ts")).demoCommand(),
  },
  {
    path: ["up"],
    description: "run NATS and the services on this machine, with state in a data directory",
    load: async () => (await import("./commands/up.ts")).upCommand(),
  },
  {
    path: ["dev"],
    description: "as up, but a service is restarted when its source changes, and the console reloads",
    load: async () => (await import("./commands/up.ts")).devCommand(),
  },
  {
    path: ["plan"],
    description: "say whether cameras fit this machine, by measuring for half a minute",
    load: async () => (await import("./commands/plan.ts")).planCommand(),
  },
  {
    path: ["chaos"],
    description:
      "run a cluster on this machine, kill and freeze its processes at random, and check that nothing is lost",
    load: async () => (await import("./commands/chaos.ts")).chaosCommand(),
  },
  {
    path: ["test"],
    description: "run lint, type-check, architecture rules and every test",
    load: async () => (await import("./commands/test.ts")).testCommand(),
  },
  {
    path: ["login"],
    description: "log in to a server, and keep the token for later commands",
    load: async () => (await import("./commands/login.ts")).loginCommand(),
  },
  {
    path: ["logout"],
    description: "revoke the token that login keeps, and forget it",
    load: async () => (await import("./commands/login.ts")).logoutCommand(),
  },
  {
    path: ["user", "add"],
    description: "make a user; the first must be an admin",
    load: async () => (await import("./commands/user.ts")).userAddCommand(),
  },
  {
    path: ["user", "list"],
    description: "list the users and what they may do",
    load: async () => (await import("./commands/user.ts")).userListCommand(),
  },
  {
    path: ["user", "update"],
    description: "change a user's role or cameras",
    load: async () => (await import("./commands/user.ts")).userUpdateCommand(),
  },
  {
    path: ["user", "remove"],
    description: "remove a user with all sessions and tokens",
    load: async () => (await import("./commands/user.ts")).userRemoveCommand(),
  },
  {
    path: ["user", "password"],
    description: "set a user's password, your own unless another is named",
    load: async () => (await import("./commands/user.ts")).userPasswordCommand(),
  },
  {
    path: ["token", "add"],
    description: "make a token for a program; it is printed this once",
    load: async () => (await import("./commands/token.ts")).tokenAddCommand(),
  },
  {
    path: ["token", "list"],
    description: "list tokens: your own, or all of them if you are an admin",
    load: async () => (await import("./commands/token.ts")).tokenListCommand(),
  },
  {
    path: ["token", "revoke"],
    description: "revoke a token; what was opened with it ends",
    load: async () => (await import("./commands/token.ts")).tokenRevokeCommand(),
  },
  {
    path: ["token", "file"],
    description:
      "write a file with a token of the bridges, or of Prometheus, for services that up does not start",
    load: async () => (await import("./commands/token.ts")).tokenFileCommand(),
  },
  {
    path: ["camera", "add"],
    description: "register a camera stream",
    load: async () => (await import("./commands/camera-add.ts")).cameraAddCommand(),
  },
  {
    path: ["camera", "list"],
    description: "list the cameras and their state",
    load: async () => (await import("./commands/camera.ts")).cameraListCommand(),
  },
  {
    path: ["camera", "get"],
    description: "show one camera",
    load: async () => (await import("./commands/camera.ts")).cameraGetCommand(),
  },
  {
    path: ["camera", "update"],
    description: "change a camera's settings; the others stay as they are",
    load: async () => (await import("./commands/camera.ts")).cameraUpdateCommand(),
  },
  {
    path: ["camera", "remove"],
    description: "remove a camera",
    load: async () => (await import("./commands/camera.ts")).cameraRemoveCommand(),
  },
  {
    path: ["camera", "export"],
    description: "save all that is kept of a camera in a range of time as one archive",
    load: async () => (await import("./commands/camera-export.ts")).cameraExportCommand(),
  },
  {
    path: ["camera", "forget"],
    description: "delete what is kept of a camera: events, their pictures, detections and recordings",
    load: async () => (await import("./commands/camera.ts")).cameraForgetCommand(),
  },
  {
    path: ["camera", "snapshot"],
    description: "save the newest picture of a camera, with what was found drawn in if wanted",
    load: async () => (await import("./commands/camera-snapshot.ts")).cameraSnapshotCommand(),
  },
  {
    path: ["camera", "recording"],
    description: "list what is recorded of a camera, or save a part of it as MP4",
    load: async () => (await import("./commands/camera-recording.ts")).cameraRecordingCommand(),
  },
  {
    path: ["camera", "probe"],
    description: "say what a camera sends, or why it sends nothing",
    load: async () => (await import("./commands/camera-probe.ts")).cameraProbeCommand(),
  },
  {
    path: ["watch"],
    description: "print detections as they are made",
    load: async () => (await import("./commands/watch.ts")).watchCommand(),
  },
  {
    path: ["export", "events"],
    description: "write events that are kept to a file: JSON Lines or CSV",
    load: async () => (await import("./commands/export.ts")).exportEventsCommand(),
  },
  {
    path: ["export", "detections"],
    description: "write detections that are kept to a file: JSON Lines, CSV or COCO results",
    load: async () => (await import("./commands/export.ts")).exportDetectionsCommand(),
  },
  {
    path: ["bridges"],
    description: "publish events over MQTT, as Frigate does, and post them to webhooks",
    load: async () => (await import("./commands/bridges.ts")).bridgesCommand(),
  },
  {
    path: ["dead-letters", "list"],
    description: "list the messages that a subscription could not deliver",
    load: async () => (await import("./commands/dead-letters.ts")).deadLettersListCommand(),
  },
  {
    path: ["dead-letters", "retry"],
    description: "deliver dead letters once more",
    load: async () => (await import("./commands/dead-letters.ts")).deadLettersRetryCommand(),
  },
  {
    path: ["dead-letters", "delete"],
    description: "delete dead letters without delivering them",
    load: async () => (await import("./commands/dead-letters.ts")).deadLettersDeleteCommand(),
  },
  {
    path: ["audit"],
    description: "list who did what, newest first",
    load: async () => (await import("./commands/audit.ts")).auditCommand(),
  },
  {
    path: ["doctor"],
    description: "say what is here, what is missing, and the command that fixes it",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand(),
  },
  {
    path: ["detect"],
    description: "detect objects in a picture, a video, or a folder of them",
    load: async () => (await import("./commands/detect.ts")).detectCommand(),
  },
  {
    path: ["rules", "set"],
    description: "replace a camera's zones, lines and rules by those of a file",
    load: async () => (await import("./commands/rules.ts")).rulesSetCommand(),
  },
  {
    path: ["rules", "get"],
    description: "print a camera's zones, lines and rules as a rules file",
    load: async () => (await import("./commands/rules.ts")).rulesGetCommand(),
  },
  {
    path: ["rules", "check"],
    description: "say what is wrong with a rules file, if anything",
    load: async () => (await import("./commands/rules.ts")).rulesCheckCommand(),
  },
  {
    path: ["events"],
    description: "list what happened, newest first, or follow it as it happens",
    load: async () => (await import("./commands/events.ts")).eventsCommand(),
  },
  {
    path: ["events", "clip"],
    description: "save the video of an event, with what was just before and after it",
    load: async () => (await import("./commands/events-clip.ts")).eventsClipCommand(),
  },
  {
    path: ["events", "counts"],
    description: "count events and how long they lasted, by hour, camera, class, zone and so on",
    load: async () => (await import("./commands/events-counts.ts")).eventsCountsCommand(),
  },
  {
    path: ["events", "review"],
    description: "mark events as reviewed, for all who see them",
    load: async () => (await import("./commands/events-review.ts")).eventsReviewCommand(),
  },
  {
    path: ["replay"],
    description: "try rules out on a recorded video: prints its events, one JSON line each",
    load: async () => (await import("./commands/replay.ts")).replayCommand(),
  },
  {
    path: ["model", "build"],
    description: "build YOLO-NAS as ONNX from a checkpoint with super-gradients' names, or from a seed",
    load: async () => (await import("./commands/model-build.ts")).modelBuildCommand(),
  },
  {
    path: ["model", "import"],
    description:
      "make a detector of any known family, or a classifier for a second stage, ready to run: a float ONNX export, or hub:NAME from the catalogue",
    load: async () => (await import("./commands/model-import.ts")).modelImportCommand(),
  },
  {
    path: ["model", "list"],
    description:
      "list the models that are here: what each is, its classes, size and version, and where it lies",
    load: async () => (await import("./commands/model-list.ts")).modelListCommand(),
  },
  {
    path: ["model", "inspect"],
    description: "say what an ONNX file is, by its tensors",
    load: async () => (await import("./commands/model-inspect.ts")).modelInspectCommand(),
  },
  {
    path: ["model", "prepare"],
    description: "rewrite an export into the form Sightline deploys, in a folder with its model.json",
    load: async () => (await import("./commands/model-prepare.ts")).modelPrepareCommand(),
  },
  {
    path: ["model", "quantize"],
    description: "calibrate a prepared model on frames and write INT8 files for the CPU and for TensorRT",
    load: async () => (await import("./commands/model-quantize.ts")).modelQuantizeCommand(),
  },
  {
    path: ["model", "eval"],
    description: "score a prepared model by COCO's 12 numbers, or two models on the same frames",
    load: async () => (await import("./commands/model-eval.ts")).modelEvalCommand(),
  },
  {
    path: ["model", "engine"],
    description:
      "build a TensorRT engine for this machine's GPU and wrap it as an ONNX file that workers load",
    load: async () => (await import("./commands/model-engine.ts")).modelEngineCommand(),
  },
  {
    path: ["model", "install"],
    description: "put a version of a model where the workers of this machine find it",
    load: async () => (await import("./commands/model-install.ts")).modelInstallCommand(),
  },
  {
    path: ["model", "upload"],
    description: "bring an export to all workers over the network, as a model or a version of one",
    load: async () => (await import("./commands/model-upload.ts")).modelUploadCommand(),
  },
  {
    path: ["model", "versions"],
    description: "list the versions of a model that workers have, and which one they serve",
    load: async () => (await import("./commands/model-versions.ts")).modelVersionsCommand(),
  },
  {
    path: ["model", "activate"],
    description: "change the version of a model that all its workers serve, without a stop",
    load: async () => (await import("./commands/model-versions.ts")).modelActivateCommand(),
  },
  {
    path: ["model", "rollback"],
    description: "go back to the version of a model that was active before",
    load: async () => (await import("./commands/model-versions.ts")).modelRollbackCommand(),
  },
  {
    path: ["model", "shadow"],
    description: "run a share of a camera's frames by another model too, and report how the two compare",
    load: async () => (await import("./commands/model-shadow.ts")).modelShadowCommand(),
  },
  {
    path: ["model", "shadows"],
    description: "list what runs or ran in shadows of cameras' models, or show, stop or delete one",
    load: async () => (await import("./commands/model-shadows.ts")).modelShadowsCommand(),
  },
  {
    path: ["nats", "keys"],
    description: "make the services' NATS keys, and the part of the server's configuration that knows them",
    load: async () => (await import("./commands/nats.ts")).natsKeysCommand(),
  },
  {
    path: ["nats", "site"],
    description: "make the keys by which a site and its centre know each other; run it at the centre",
    load: async () => (await import("./commands/nats.ts")).natsSiteCommand(),
  },
  {
    path: ["backup"],
    description:
      "write cameras, rules, users, subscriptions, events and everything else that NATS stores to one file",
    load: async () => (await import("./commands/backup.ts")).backupCommand(),
  },
  {
    path: ["restore"],
    description: "put what backup wrote into an empty NATS; the services must be stopped",
    load: async () => (await import("./commands/backup.ts")).restoreCommand(),
  },
  {
    path: ["secrets", "rotate"],
    description: "add a new key to the file of keys; results then encrypts every password with it",
    load: async () => (await import("./commands/secrets-rotate.ts")).secretsRotateCommand(),
  },
  {
    path: ["tls", "init"],
    description: "make a self-signed certificate and its private key, for gRPC and HTTP of results",
    load: async () => (await import("./commands/tls-init.ts")).tlsInitCommand(),
  },
  {
    path: ["gpu", "install"],
    description:
      "install ONNX Runtime's CUDA and TensorRT providers and the CUDA libraries they need, from PyPI by pip",
    load: async () => (await import("./commands/gpu-install.ts")).gpuInstallCommand(),
  },
  {
    path: ["screenshots"],
    description: "take the README's pictures of the web console from a real run",
    load: async () => (await import("./commands/screenshots.ts")).screenshotsCommand(),
  },
  {
    path: ["bench", "model"],
    description: "measure YOLO-NAS S, M and L in FP32 and INT8 on this machine, in alternating blocks",
    load: async () => (await import("./commands/bench-model.ts")).benchModelCommand(),
  },
  {
    path: ["bench", "admission"],
    description: "measure what cameras with weights and floors get when the workers cannot do everything",
    load: async () => (await import("./commands/bench.ts")).benchAdmissionCommand(),
  },
  {
    path: ["bench", "overload"],
    description:
      "measure how old results are when four times more frames are offered than can be inferred, and where the time goes",
    load: async () => (await import("./commands/bench.ts")).benchOverloadCommand(),
  },
  {
    path: ["bench", "transport"],
    description: "measure frames through NATS: throughput, fairness and age under overload",
    load: async () => (await import("./commands/bench.ts")).benchTransportCommand(),
  },
  {
    path: ["bench", "tracking"],
    description: "measure tracking: MOTA, IDF1 and HOTA on scenes with exact truth, and the cost of a frame",
    load: async () => (await import("./commands/bench.ts")).benchTrackingCommand(),
  },
  {
    path: ["bench", "subscribers"],
    description: "measure how many subscribers get how many frames, how late, beside a bare gRPC server",
    load: async () => (await import("./commands/bench.ts")).benchSubscribersCommand(),
  },
  {
    path: ["bench", "console"],
    description: "measure the web console's wall of cameras in Chromium: frame rate, first paint, weight",
    load: async () => (await import("./commands/bench.ts")).benchConsoleCommand(),
  },
  {
    path: ["bench", "recording"],
    description: "measure what recording costs, and a picture in the camera's resolution",
    load: async () => (await import("./commands/bench.ts")).benchRecordingCommand(),
  },
  {
    path: ["bench", "clips"],
    description: "check that the clips of many events hold their moments, by the pictures in them",
    load: async () => (await import("./commands/bench.ts")).benchClipsCommand(),
  },
  {
    path: ["bench", "ingest"],
    description: "measure the processor time of ingest against bare ffmpegs that decode the same cameras",
    load: async () => (await import("./commands/bench.ts")).benchIngestCommand(),
  },
  {
    path: ["bench", "scale"],
    description: "measure what a camera and a frame cost in each process, and how many a core carries",
    load: async () => (await import("./commands/bench.ts")).benchScaleCommand(),
  },
  {
    path: ["bench", "handover"],
    description:
      "measure how long cameras give nothing when a process of a service stops, and when one joins",
    load: async () => (await import("./commands/bench-handover.ts")).benchHandoverCommand(),
  },
  {
    path: ["bench", "dead-cameras"],
    description: "measure what hundreds of dead camera addresses do to cameras that are live",
    load: async () => (await import("./commands/bench.ts")).benchDeadCamerasCommand(),
  },
  {
    path: ["bench", "end-to-end"],
    description: "measure the inference service against a bare loop of the model's runs",
    load: async () => (await import("./commands/bench.ts")).benchEndToEndCommand(),
  },
];
