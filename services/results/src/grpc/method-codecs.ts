import {
  type MethodDefinition,
  type Server,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ApiError } from "../errors.ts";

/** A method whose answers are already encoded: a message for many subscribers is encoded once. */
export function preEncoded<Request, Response>(
  method: MethodDefinition<Request, Response>,
): MethodDefinition<Request, Buffer> {
  const { responseDeserialize: _, ...rest } = method;
  return { ...rest, responseSerialize: asIs, responseDeserialize: asIs };
}

function asIs(message: Buffer): Buffer {
  return message;
}

/** Replaces a request whose bytes are not a message of its type, or contain a number that JavaScript cannot represent. */
class UndecodableRequest {
  readonly cause: Error;

  constructor(cause: Error) {
    this.cause = cause;
  }
}

/** A service whose undecodable requests reach its handlers, which refuse them with `decodedRequest`: grpc-js would report them as a server error. */
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

/** Whether the request's bytes were a message of its type. */
export function isDecoded(request: unknown): boolean {
  return !(request instanceof UndecodableRequest);
}

/** The decoded request. @throws ApiError invalid_argument when it could not be decoded */
export function decodedRequest<Request>(request: Request): Request {
  if (!(request instanceof UndecodableRequest)) return request;
  throw new ApiError("invalid_argument", undecodable(request));
}

function undecodable({ cause }: UndecodableRequest): string {
  return `the request cannot be decoded: ${cause.message}. It must be a message of the method's request type, with integers up to 2^53`;
}

/** The argument of a library's handler: a call, which emits its requests if they are a stream. */
interface LibraryCall {
  request?: unknown;
  on(event: "data", take: (request: unknown) => void): unknown;
  emit(event: "error", error: object): unknown;
}
type LibraryHandler = (call: LibraryCall, ...rest: [(error: object) => void]) => void;

/** A server to which a library adds its service: undecodable requests never reach the library's handlers. */
export function withDecodedRequests(server: Server): Server {
  const addService = (definition: ServiceDefinition, implementation: UntypedServiceImplementation) => {
    const handlers = Object.entries(implementation).map(([name, handler]) => [
      name,
      refusing(handler as unknown as LibraryHandler),
    ]);
    server.addService(withUndecodable(definition), Object.fromEntries(handlers));
  };
  return { addService } as unknown as Server;
}

function refusing(handler: LibraryHandler): LibraryHandler {
  return (call, ...rest) => {
    const refuse = (request: UndecodableRequest) => {
      const error = { code: status.INVALID_ARGUMENT, details: undecodable(request) };
      const [callback] = rest;
      if (callback) callback(error);
      else call.emit("error", error);
    };
    if (call.request instanceof UndecodableRequest) return refuse(call.request);
    // Added before the library's own listener; what that listener writes after the error is dropped.
    if (call.request === undefined)
      call.on("data", (request) => request instanceof UndecodableRequest && refuse(request));
    handler(call, ...rest);
  };
}
