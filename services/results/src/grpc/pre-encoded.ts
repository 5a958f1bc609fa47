import type { MethodDefinition } from "@grpc/grpc-js";

/** A method whose answers are encoded already: one message goes to many subscribers, but is encoded once. */
export function preEncoded<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Request, Buffer> {
  const { responseDeserialize: _, ...rest } = method;
  return { ...rest, responseSerialize: asIs, responseDeserialize: asIs };
}

function asIs(message: Buffer): Buffer {
  return message;
}
