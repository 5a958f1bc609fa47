#!/usr/bin/env bash
# All checks that need an NVIDIA GPU, in one run:
#   test/gpu/run.sh MODEL_FOLDER [VIDEO COCO_JSON]
# MODEL_FOLDER holds fp32.onnx, int8.cpu.onnx and int8.trt.onnx, as `sightline model quantize` writes them. Needs on the
# machine: an NVIDIA driver, TensorRT with trtexec on the PATH, and onnxruntime-node installed with its CUDA files
# (`./sightline doctor` names the command). Ends with "N passed, N failed"; exit 0 only when none failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in nvidia-smi trtexec; do
  command -v "$program" >/dev/null || { echo "$program is not on the PATH: this machine cannot run the GPU checks." >&2; exit 2; }
done
exec node_modules/.bin/node test/gpu/gpu-checks.ts "$@"
