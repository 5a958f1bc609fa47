import { createHash } from "node:crypto";
import { z } from "zod";
import { ApiError } from "../errors.ts";

/** Version, page size, the key after which the page begins, and the binding to the rest of the request. */
const tokenSchema = z.tuple([z.literal(2), z.int(), z.string(), z.string()]);

const defaultPageSize = 100;
const maxPageSize = 1000;

/** Where a page begins and how long it is. */
export interface Page {
  size: number;
  /** Key after which the page begins; empty for the first page. */
  after: string;
  /** Text for everything in the request that must stay the same from page to page. */
  binding: string;
}

/**
 * Reads the paging fields of a request; `rest` is everything else in it that its token is bound to.
 * @throws ApiError invalid_argument
 */
export function readPage(pageSize: number, pageToken: string, rest: unknown = null): Page {
  if (pageSize < 0 || pageSize > maxPageSize)
    throw new ApiError(
      "invalid_argument",
      `page_size is ${pageSize}; expected 1 to ${maxPageSize}, or 0 for ${defaultPageSize}`,
    );
  const size = pageSize || defaultPageSize;
  const binding = createHash("sha256").update(JSON.stringify(rest)).digest("base64url").slice(0, 12);
  if (pageToken === "") return { size, after: "", binding };
  const token = tokenSchema.safeParse(decode(pageToken));
  if (!token.success || token.data[1] !== size || token.data[3] !== binding) throw foreignPageToken();
  return { size, after: token.data[2], binding };
}

/** One page of `keys`, which are sorted, and the next page's token; empty when there is none. */
export function cutPage(keys: readonly string[], page: Page): { keys: string[]; nextPageToken: string } {
  const start = keys.findIndex((key) => key > page.after);
  if (start < 0) return { keys: [], nextPageToken: "" };
  const cut = keys.slice(start, start + page.size);
  const more = start + page.size < keys.length;
  return { keys: cut, nextPageToken: more ? pageTokenAfter(page, cut.at(-1) ?? "") : "" };
}

/** The token of the page that begins after `key`. */
export function pageTokenAfter(page: Page, key: string): string {
  const token: z.infer<typeof tokenSchema> = [2, page.size, key, page.binding];
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** The error for a token that was created for another request, or for data that does not exist any more. */
export function foreignPageToken(): ApiError {
  return new ApiError(
    "invalid_argument",
    "page_token belongs to no earlier answer to this request; begin again without one",
  );
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
