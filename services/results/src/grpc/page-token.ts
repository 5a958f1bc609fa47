import { z } from "zod";
import { ApiError } from "./errors.ts";

const tokenSchema = z.tuple([z.literal(1), z.int(), z.string()]);

export const defaultPageSize = 100;
export const maxPageSize = 1000;

/** Where a page begins and how long it is. */
export interface Page {
  size: number;
  /** Key after which the page begins; empty for the first. */
  after: string;
}

/** Reads the paging fields of a request. @throws ApiError invalid_argument */
export function readPage(pageSize: number, pageToken: string): Page {
  if (pageSize < 0 || pageSize > maxPageSize)
    throw new ApiError(
      "invalid_argument",
      `page_size is ${pageSize}; expected 1 to ${maxPageSize}, or 0 for ${defaultPageSize}`,
    );
  const size = pageSize || defaultPageSize;
  if (pageToken === "") return { size, after: "" };
  const token = tokenSchema.safeParse(decode(pageToken));
  if (!token.success || token.data[1] !== size)
    throw new ApiError(
      "invalid_argument",
      "page_token belongs to no earlier answer to this request; begin again without one",
    );
  return { size, after: token.data[2] };
}

/** One page of `keys`, which are sorted, and the token of the next; empty when there is none. */
export function cutPage(keys: readonly string[], page: Page): { keys: string[]; nextPageToken: string } {
  const start = keys.findIndex((key) => key > page.after);
  if (start < 0) return { keys: [], nextPageToken: "" };
  const cut = keys.slice(start, start + page.size);
  const more = start + page.size < keys.length;
  return { keys: cut, nextPageToken: more ? encode([1, page.size, cut[cut.length - 1] ?? ""]) : "" };
}

function encode(token: z.infer<typeof tokenSchema>): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
