/**
 * ONNX Runtime's Linux and macOS libraries (1.29 and later) report models, errors and a device id to their vendor unless this is set
 * before the first session. It is read once per process: a worker thread cannot set it for itself.
 */
process.env.ORT_DISABLE_TELEMETRY = "1";
