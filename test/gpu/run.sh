#!/usr/bin/env bash
# All checks that need a GPU, in one run:
#   test/gpu/run.sh MODEL_FOLDER [VIDEO COCO_JSON] [--level N] [--limit SECONDS] [--only WORD]
# MODEL_FOLDER holds fp32.onnx, int8.cpu.onnx and int8.trt.onnx, as `sightline model quantize` writes them. TRTEXEC names a trtexec;
# without it the PATH's is taken, or TensorRT's Python bindings. --level is TensorRT's builder optimisation level (0 is quick),
# --limit how long one check may take in seconds (900, above level 1 3600), --only runs the checks whose name contains the word.
# What `./sightline gpu install [--tensorrt]` brought is used. Every check says ✓, ✗ or "skipped: reason" and the next one goes on. Ends
# with "N passed, N failed, N skipped"; exit 0 when none failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
gpu="$PWD/.sightline/gpu"
[ -d "$gpu/lib" ] && export LD_LIBRARY_PATH="$gpu/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -d "$gpu/python" ] && export PYTHONPATH="$gpu/python${PYTHONPATH:+:$PYTHONPATH}"
exec node_modules/.bin/node --disable-warning=ExperimentalWarning test/gpu/gpu-checks.ts "$@"
