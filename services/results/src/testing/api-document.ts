import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";

type Method = "get" | "post" | "put" | "patch" | "delete";

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

interface Document {
  paths: Record<string, Partial<Record<Method, Operation>>>;
}

/** A checked answer of the API. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** Parsed if it is JSON. */
  body: unknown;
}

/** Calls the HTTP API, and checks every answer against the server's OpenAPI document. */
export class CheckedApi {
  readonly document: Document;
  readonly #base: string;
  readonly #ajv = new Ajv2020({ strict: false });

  private constructor(base: string, document: Document) {
    this.#base = base;
    this.document = document;
    this.#ajv.addSchema(document, "api");
  }

  static async open(address: string): Promise<CheckedApi> {
    const answer = await fetch(`http://${address}/api/v1/openapi.json`);
    return new CheckedApi(`http://${address}`, (await answer.json()) as Document);
  }

  /** Calls an operation by its path in the document; `{name}` gets its value from `params`. */
  async call(
    method: Method,
    path: string,
    options: {
      params?: Record<string, string>;
      query?: string;
      body?: unknown;
      headers?: Record<string, string>;
    } = {},
  ): Promise<ApiAnswer> {
    const { params = {}, query = "", body, headers = {} } = options;
    const url = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
    const answer = await fetch(`${this.#base}/api/v1${url}${query}`, {
      method: method.toUpperCase(),
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body:
        body === undefined
          ? null
          : typeof body === "string" || body instanceof Uint8Array
            ? body
            : JSON.stringify(body),
    });
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/, "");
    const parsed = type === "application/json" ? await answer.json() : await answer.arrayBuffer();
    this.#check(method, path, answer.status, type, parsed);
    return { status: answer.status, headers: answer.headers, body: parsed };
  }

  #check(method: Method, path: string, status: number, type: string, body: unknown): void {
    const where = `${method} ${path} → ${status} ${type}`;
    const responses = this.document.paths[`/api/v1${path}`]?.[method]?.responses;
    expect(responses, `${where}: not in the document`).toBeDefined();
    const key = [String(status), `${String(status)[0]}XX`].find((candidate) => responses![candidate]);
    expect(key, `${where}: the document has no such status`).toBeDefined();
    const content = responses![key!]!.content;
    if (status === 204) return;
    expect(Object.keys(content ?? {}), `${where}: the document has no such type`).toContain(type);
    if (type !== "application/json") return;
    const pointer = ["paths", `/api/v1${path}`, method, "responses", key!, "content", type, "schema"]
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const validate = this.#ajv.compile({ $ref: `api#/${pointer}` });
    expect(validate(body) ? [] : validate.errors, where).toEqual([]);
  }
}
