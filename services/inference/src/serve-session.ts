/**
 * To the thread: end between two runs. A thread that is terminated in the midst of ONNX Runtime's own code, as while a
 * model is loaded, takes the process with it.
 */
export const stopRequest = "stop";
