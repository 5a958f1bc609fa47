import { dropReasonLabel, dropReasons, measuredStatus } from "@sightline/contracts";
import { latencyBuckets } from "@sightline/service";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { CameraRunner } from "./camera-runner.ts";
import { type HandOver, handOvers } from "./frame-sharing.ts";
import { type PictureDecoderName, pictureDecoders } from "./pictures/picture-decoder.ts";
import type { PictureOutcome } from "./pictures/pictures.ts";
import { lateStampReasons } from "./stream-facts.ts";

/** Ingest's metrics. A camera's counters are read when scraped, so all numbers of one scrape agree. */
export class IngestMetrics {
  readonly #decode: Histogram<"camera">;
  readonly #pictures: Counter<"outcome">;
  readonly #pictureSeconds: Histogram;
  readonly #picturesDecoded: Counter<"decoder">;
  readonly #handOvers: Counter<"as">;
  readonly #probes: Counter<"outcome">;
  /** Cameras that the histogram contains. */
  readonly #cameras = new Set<string>();

  constructor(
    registry: Registry,
    runners: () => CameraRunner[],
    memory: {
      /** Bytes of frames kept for pictures. */
      pictureBytes: () => number;
      /** Bytes of frames that workers read. */
      sharedBytes: () => number;
    },
  ) {
    const registers = [registry];
    const count = (name: string, help: string, value: (runner: CameraRunner) => number) =>
      new Counter({
        name,
        help,
        labelNames: ["camera"],
        registers,
        collect() {
          this.reset();
          for (const runner of runners()) this.inc({ camera: runner.camera }, value(runner));
        },
      });
    const gauge = (name: string, help: string, value: (runner: CameraRunner) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ["camera"],
        registers,
        collect() {
          this.reset();
          for (const runner of runners()) this.set({ camera: runner.camera }, value(runner));
        },
      });
    new Gauge({
      name: "sightline_ingest_cameras",
      help: "Cameras that this process receives now.",
      registers,
      collect() {
        this.set([...runners()].length);
      },
    });
    for (const [name, metric] of measuredStatus) {
      const make = metric.name.endsWith("_total") ? count : gauge;
      make(metric.name, metric.help, ({ figures }) => figures[name]);
    }
    count(
      "sightline_frames_captured_total",
      "Compressed frames that arrived.",
      ({ ledger }) => ledger.captured,
    );
    count(
      "sightline_frames_inferred_total",
      "Frames whose detections were published.",
      ({ ledger }) => ledger.inferred,
    );
    new Counter({
      name: "sightline_frames_dropped_total",
      help: "Frames that were not inferred, by reason.",
      labelNames: ["camera", "reason"],
      registers,
      collect() {
        this.reset();
        for (const { camera, ledger } of runners())
          for (const reason of dropReasons)
            this.inc({ camera, reason: dropReasonLabel(reason) }, ledger.dropped(reason));
      },
    });
    new Counter({
      name: "sightline_frames_stamped_late_total",
      help: "Frames whose capture time may be late because it is not the arrival of their own last packet, by reason.",
      labelNames: ["camera", "reason"],
      registers,
      collect() {
        this.reset();
        for (const { camera, facts } of runners())
          for (const reason of lateStampReasons) this.inc({ camera, reason }, facts.lateStamps(reason));
      },
    });
    gauge(
      "sightline_frames_in_flight",
      "Captured frames whose outcome is not known yet.",
      ({ ledger }) => ledger.inFlight,
    );
    const ofFloors = (name: string, help: string, value: (runner: CameraRunner) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ["camera"],
        registers,
        collect() {
          this.reset();
          for (const runner of runners())
            if (runner.floor.floorFps > 0) this.set({ camera: runner.camera }, value(runner));
        },
      });
    ofFloors(
      "sightline_camera_floor_frames_per_second",
      "The camera's floor: frames per second that it always gets first. Only for cameras with a floor.",
      ({ floor }) => floor.floorFps,
    );
    ofFloors(
      "sightline_camera_promised_frames_per_second",
      "The part of the camera's floor that the workers can hold now. Only for cameras with a floor.",
      ({ floor }) => floor.promisedFps,
    );
    gauge("sightline_camera_up", "1 while frames arrive, otherwise 0.", ({ live }) => (live ? 1 : 0));
    count(
      "sightline_decoder_failures_total",
      "Times that a decoder on a GPU failed and another was used.",
      ({ facts }) => facts.decoderFailures,
    );
    new Gauge({
      name: "sightline_camera_decoder",
      help: "Constant 1, labelled with what decodes the camera's video. The camera's status says why it is not a faster decoder.",
      labelNames: ["camera", "decoder"],
      registers,
      collect() {
        this.reset();
        for (const { camera, facts } of runners())
          if (facts.decoding) this.set({ camera, decoder: facts.decoding.decoder }, 1);
      },
    });
    new Gauge({
      name: "sightline_camera_info",
      help: "Constant 1, labelled with facts about the camera's stream.",
      labelNames: ["camera", "codec", "width", "height", "model", "transport"],
      registers,
      collect() {
        this.reset();
        for (const { camera, facts, settings } of runners()) {
          const { codec, width, height } = facts;
          const { model, transport } = settings;
          this.set({ camera, codec, width, height, model, transport }, 1);
        }
      },
    });
    this.#decode = new Histogram({
      name: "sightline_decode_seconds",
      help: "Time from the arrival of a compressed frame's last packet to its pixels in memory.",
      labelNames: ["camera"],
      buckets: latencyBuckets,
      registers,
      collect: () => this.#forgetAllBut(new Set(runners().map(({ camera }) => camera))),
    });
    this.#pictures = new Counter({
      name: "sightline_pictures_total",
      help: "Requests for pictures of frames, by outcome.",
      labelNames: ["outcome"],
      registers,
    });
    this.#pictureSeconds = new Histogram({
      name: "sightline_picture_seconds",
      help: "Time from a request for a picture to its JPEG.",
      buckets: latencyBuckets,
      registers,
    });
    this.#picturesDecoded = new Counter({
      name: "sightline_pictures_decoded_total",
      help: "Pictures in the camera's own resolution, by what decoded them: the process that is kept for this, or an ffmpeg for each picture, and why.",
      labelNames: ["decoder"],
      registers,
    });
    for (const decoder of pictureDecoders) this.#picturesDecoded.inc({ decoder }, 0);
    new Gauge({
      name: "sightline_picture_memory_bytes",
      help: "Bytes of frames kept for pictures.",
      registers,
      collect() {
        this.set(memory.pictureBytes());
      },
    });
    new Gauge({
      name: "sightline_frame_memory_bytes",
      help: "Bytes of shared memory that hold frames for workers.",
      registers,
      collect() {
        this.set(memory.sharedBytes());
      },
    });
    this.#handOvers = new Counter({
      name: "sightline_frames_handed_over_total",
      help: "Frames given to workers: as a handle of shared memory, or as bytes and why.",
      labelNames: ["as"],
      registers,
    });
    for (const how of handOvers) this.#handOvers.inc({ as: handOverLabel(how) }, 0);
    this.#probes = new Counter({
      name: "sightline_probes_total",
      help: "Requests to probe a camera, by outcome.",
      labelNames: ["outcome"],
      registers,
    });
  }

  /** A frame was given to a worker. */
  handed(how: HandOver): void {
    this.#handOvers.inc({ as: handOverLabel(how) });
  }

  /** A request for a picture was answered after `seconds`. */
  picture(outcome: PictureOutcome, seconds: number): void {
    this.#pictures.inc({ outcome });
    if (outcome === "made") this.#pictureSeconds.observe(seconds);
  }

  /** A picture in the camera's own resolution was decoded. */
  pictureDecoded(decoder: PictureDecoderName): void {
    this.#picturesDecoded.inc({ decoder });
  }

  /** A camera was probed. */
  probe(outcome: "ok" | "failed" | "busy"): void {
    this.#probes.inc({ outcome });
  }

  /** Decoding and scaling a frame of this camera took this long. */
  decoded(camera: string, seconds: number): void {
    this.#cameras.add(camera);
    this.#decode.observe({ camera }, seconds);
  }

  #forgetAllBut(held: ReadonlySet<string>): void {
    for (const camera of this.#cameras) {
      if (held.has(camera)) continue;
      this.#cameras.delete(camera);
      this.#decode.remove({ camera });
    }
  }
}

function handOverLabel(how: HandOver): string {
  return how === "handle" ? how : `bytes_${how}`;
}
