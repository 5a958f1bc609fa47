/** The only module that loads ONNX Runtime, so that its telemetry is off before it starts. */
import "./telemetry-off.ts";

export { InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";
