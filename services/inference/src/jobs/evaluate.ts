import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { ModelJobOutcome, ModelScores } from "@sightline/contracts";
import {
  type CocoAnnotations,
  evaluateModels,
  framesFor,
  imageIds,
  labelledFrames,
  loadModel,
  preparedMetadata,
  processorKind,
  readCocoAnnotations,
  readFrames,
} from "@sightline/yolo-nas";
import { WorkerError } from "../errors.ts";
import type { JobTask, ScoredModel } from "./job-task.ts";

type Task = Extract<JobTask, { kind: "evaluate" }>;

/** Most faults that are reported. */
const mostFaults = 10;

/**
 * Scores models on the frames of a clip by their labels, one model after the other, each on frames scaled for it.
 * @throws EvaluationError, WorkerError clip_unreadable, ModelFileError
 */
export async function evaluate(
  task: Task,
  onProgress: (done: number, total: number) => void,
): Promise<Extract<ModelJobOutcome, { kind: "evaluate" }>> {
  const container = await containerOf(task.clip);
  const annotations = await readCocoAnnotations(task.labels);
  const total = task.models.length * annotations.images.length;
  const faults = new Set<string>(strayLabels(annotations));
  const scores: ModelScores[] = [];
  for (const [index, model] of task.models.entries()) {
    const before = index * annotations.images.length;
    scores.push(
      await score({ ...task, container }, model, annotations, {
        onFrame: (done) => onProgress(Math.min(before + done, total), total),
        onFault: (words) => faults.add(words),
      }),
    );
    const { frames } = scores.at(-1)!;
    if (frames < annotations.images.length)
      faults.add(
        `The labels are of ${annotations.images.length} frames; the clip has ${frames} of them, and only these are scored.`,
      );
  }
  return { kind: "evaluate", scores, faults: [...faults].slice(0, mostFaults) };
}

async function score(
  { clip, container, minHeight, ffmpeg }: Task & { container: string },
  { model, version, encoding, path }: ScoredModel,
  annotations: CocoAnnotations,
  { onFrame, onFault }: { onFrame: (done: number) => void; onFault: (words: string) => void },
): Promise<ModelScores> {
  const graph = await loadModel(path);
  const idOf = imageIds(annotations);
  const frames = readFrames(clip, {
    ...framesFor(preparedMetadata(graph.metadata)),
    ...{ ffmpeg, container },
    onFailure: ({ message }) => onFault(message.replaceAll(clip, "The clip")),
  });
  const [result] = await evaluateModels(
    [{ model: path }],
    annotations,
    labelledFrames(frames, (frame) => idOf(frame, true)),
    { minHeight, onFrame },
  );
  const { metrics, tallerThan, inferenceMs } = result!;
  return {
    ...{ model, version, encoding, minHeight, inferenceMs, frames: result!.frames },
    processor: await processorKind(graph, { provider: "cpu", simulateInt8: false }),
    metrics: { ...metrics },
    tallerThan: { ap: tallerThan.ap, ap50: tallerThan.ap50 },
  };
}

/** Reports labelled boxes whose image or category is not listed: they are left out of the scores, which would otherwise only look low. */
function strayLabels({ images, categories, truths }: CocoAnnotations): string[] {
  const known = {
    images: new Set(images.map(({ id }) => id)),
    categories: new Set(categories.map(({ id }) => id)),
  };
  const stray = {
    images: truths.filter(({ imageId }) => !known.images.has(imageId)).length,
    categories: truths.filter(({ categoryId }) => !known.categories.has(categoryId)).length,
  };
  return Object.entries(stray).flatMap(([list, count]) =>
    count === 0
      ? []
      : `Of the ${truths.length} boxes in the labels, ${count} are left out: their ${list} are not listed there.`,
  );
}

/**
 * The kind of a clip, by ffmpeg's name: one of the kinds that cannot refer to other files or addresses. ffmpeg is told to
 * read it only as that kind, because what begins like a video may turn out to be a playlist or a stream description.
 * @throws WorkerError clip_unreadable
 */
async function containerOf(path: string): Promise<string> {
  const file = await open(path);
  const head = Buffer.alloc(12);
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  const isMp4 = head.toString("latin1", 4, 8) === "ftyp";
  const isMatroska = head.readUInt32BE(0) === 0x1a45dfa3;
  if (!isMp4 && !isMatroska)
    throw new WorkerError(
      "clip_unreadable",
      `The clip (${basename(path)}) is not an MP4, MOV, Matroska or WebM file; use one of these.`,
    );
  return isMp4 ? "mov" : "matroska";
}
