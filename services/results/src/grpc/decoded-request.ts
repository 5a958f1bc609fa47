import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { ApiError } from "./errors.ts";

/** Stands for a request whose bytes are no message of its type, or hold a number that JavaScript cannot. */
class UndecodableRequest {
  readonly cause: Error;

  constructor(cause: Error) {
    this.cause = cause;
  }
}

/**
 * A service whose undecodable requests reach its handlers, which refuse them by `decodedRequest`: grpc-js would call them a
 * fault of the server's.
 */
export function withUndecodable<Service extends ServiceDefinition>(definition: Service): Service {
  const methods = Object.entries(definition).map(([name, method]) => [name, tolerant(method)]);
  return Object.fromEntries(methods);
}

function tolerant<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Request, Response> {
  const requestDeserialize = (bytes: Buffer) => {
    try {
      return method.requestDeserialize(bytes);
    } catch (error) {
      return new UndecodableRequest(error as Error) as Request;
    }
  };
  return { ...method, requestDeserialize };
}

/** The request as it was decoded. @throws ApiError invalid_argument when it could not be */
export function decodedRequest<Request>(request: Request): Request {
  if (!(request instanceof UndecodableRequest)) return request;
  throw new ApiError(
    "invalid_argument",
    `the request cannot be decoded: ${request.cause.message}. It must be a message of the method's request type, with integers up to 2^53`,
  );
}
