#!/usr/bin/env python3
"""Builds a TensorRT engine with TensorRT's Python bindings, where there is no trtexec: takes the arguments of trtexec that
Sightline uses, and says what trtexec says of TensorRT and the GPU. Needs nothing but `tensorrt`."""
import ctypes
import os
import sys


def load_tensorrt():
    for name in ("tensorrt", "tensorrt_bindings"):
        try:
            return __import__(name)
        except ImportError as error:
            reason = error
    sys.exit(f"[E] TensorRT's Python bindings cannot be loaded: {reason}")


def gpu():
    """Name and compute capability of the first GPU that this process may use, from the driver."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        sys.exit(f"[E] there is no NVIDIA driver on this machine: {error}")
    device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    name = ctypes.create_string_buffer(256)
    for code in (
        cuda.cuInit(0),
        cuda.cuDeviceGet(ctypes.byref(device), 0),
        cuda.cuDeviceGetName(name, len(name), device),
        cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device),
        cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, device),
    ):
        if code != 0:
            sys.exit(f"[E] the NVIDIA driver finds no GPU that can be used (CUDA error {code})")
    return name.value.decode(), f"{major.value}.{minor.value}"


def shape(text):
    name, _, sizes = text.rpartition(":")
    return name, tuple(int(size) for size in sizes.split("x"))


def set_timing_cache(config, path):
    """What was learnt before; nothing where that was on another GPU, by another TensorRT, or cannot be read."""
    known = open(path, "rb").read() if os.path.exists(path) else b""
    for content in (known, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return


def main():
    trt = load_tensorrt()
    if "--version" in sys.argv:
        print(trt.__version__)
        return
    options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
    major, minor, patch = (int(part) for part in trt.__version__.split(".")[:3])
    if major != 10:
        sys.exit(f"[E] ONNX Runtime loads engines of TensorRT 10, and this is TensorRT {trt.__version__}")
    print(f"&&&& RUNNING TensorRT.trtexec [TensorRT v{major * 10000 + minor * 100 + patch}]")
    name, capability = gpu()
    print(f"[I] Selected Device: {name}")
    print(f"[I] Compute Capability: {capability}", flush=True)

    logger = trt.Logger(trt.Logger.INFO)
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(options["onnx"]):
        sys.exit("\n".join(f"[E] {parser.get_error(i)}" for i in range(parser.num_errors)))
    config = builder.create_builder_config()
    if "int8" in options:
        config.set_flag(trt.BuilderFlag.INT8)
    if "fp16" in options:
        config.set_flag(trt.BuilderFlag.FP16)
    if "builderOptimizationLevel" in options:
        config.builder_optimization_level = int(options["builderOptimizationLevel"])
    cache = options.get("timingCacheFile")
    if cache:
        set_timing_cache(config, cache)
    profile = builder.create_optimization_profile()
    tensor, smallest = shape(options["minShapes"])
    profile.set_shape(tensor, smallest, shape(options["optShapes"])[1], shape(options["maxShapes"])[1])
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        sys.exit("[E] TensorRT did not build the engine; the lines above say why")
    with open(options["saveEngine"], "wb") as file:
        file.write(engine)
    learned = config.get_timing_cache() if cache else None
    if learned is not None:
        # Two builds may write it at once.
        with open(f"{cache}.{os.getpid()}", "wb") as file:
            file.write(learned.serialize())
        os.replace(f"{cache}.{os.getpid()}", cache)
    print("&&&& PASSED")


main()
