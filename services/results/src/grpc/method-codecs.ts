import {
  type MethodDefinition,
  type Server,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ApiError } from "./errors.ts";

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

/** Whether the request's bytes were a message of its type. */
export function isDecoded(request: unknown): boolean {
  return !(request instanceof UndecodableRequest);
}

/** The request as it was decoded. @throws ApiError invalid_argument when it could not be */
export function decodedRequest<Request>(request: Request): Request {
  if (!(request instanceof UndecodableRequest)) return request;
  throw new ApiError("invalid_argument", undecodable(request));
}

function undecodable({ cause }: UndecodableRequest): string {
  return `the request cannot be decoded: ${cause.message}. It must be a message of the method's request type, with integers up to 2^53`;
}

/** What a handler of a library is called with: a call, which emits its requests where they are a stream. */
interface LibraryCall {
  request?: unknown;
  on(event: "data", take: (request: unknown) => void): unknown;
  emit(event: "error", error: object): unknown;
}
type LibraryHandler = (call: LibraryCall, ...rest: [(error: object) => void]) => void;

/** A server to which a library adds its service: requests that cannot be decoded never reach the library's handlers. */
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
    // Added before the library's own listener; what that writes after the error goes nowhere.
    if (call.request === undefined)
      call.on("data", (request) => request instanceof UndecodableRequest && refuse(request));
    handler(call, ...rest);
  };
}
