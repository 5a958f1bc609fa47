#!/usr/bin/env python3
"""Times models in OpenVINO for `sightline bench model`. Reads one JSON request a line and answers each by one line; only durations go
back, in milliseconds. Needs nothing but `openvino` and what comes with it.

  {"load": PATH, "batch": N, "threads": T, "floats": "f32" | "bf16"}   -> {"floats": what OpenVINO made of it} or {"error": WHY}
  {"time": INDEX OF THE LOADED MODEL, "blockMs": MS}                   -> {"runs": [{"ms", "cpuMs"}, ...]}, after one run that is not timed
"""
import importlib.util
import json
import os
import sys
import time

# Whatever a library prints must not come between the answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(value):
    print(json.dumps(value), file=answers, flush=True)


# `import openvino` tells Google Analytics of it, by a process of its own, unless this package is missing.
sys.modules["openvino_telemetry"] = None

try:
    import numpy
    import openvino
except ImportError as error:
    answer({"missing": str(error), "pip": importlib.util.find_spec("pip") is not None})
    sys.exit(1)

core = openvino.Core()
requests = []


def load(order):
    model = core.read_model(order["load"])
    (frames,) = model.inputs
    shape = frames.partial_shape
    # OpenVINO is fastest where all sizes are known.
    shape[0] = order["batch"]
    model.reshape({frames: shape})
    # One frame after another, as soon as possible: one stream that has all threads.
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": order["threads"],
        "INFERENCE_PRECISION_HINT": order["floats"],
    }
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    size = [dimension.get_length() for dimension in shape]
    pixels = numpy.random.default_rng(1).integers(0, 256, size, dtype=numpy.uint8)
    request.set_input_tensor(openvino.Tensor(pixels))
    request.infer()
    requests.append(request)
    floats = compiled.get_property("INFERENCE_PRECISION_HINT")
    return {"floats": {openvino.Type.f32: "f32", openvino.Type.bf16: "bf16"}.get(floats, floats.get_type_name())}


def measure(order):
    request = requests[order["time"]]
    request.infer()
    times = []
    began = time.perf_counter()
    while len(times) < 2 or 1000 * (time.perf_counter() - began) < order["blockMs"]:
        start, cpu = time.perf_counter(), time.process_time()
        request.infer()
        times.append({"ms": 1000 * (time.perf_counter() - start), "cpuMs": 1000 * (time.process_time() - cpu)})
    return {"runs": times}


answer({"version": openvino.__version__})
for line in sys.stdin:
    order = json.loads(line)
    try:
        answer(load(order) if "load" in order else measure(order))
    except Exception as error:  # a model that OpenVINO cannot load must not end the run
        answer({"error": str(error)})
