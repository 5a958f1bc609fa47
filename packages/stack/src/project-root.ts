import { resolve } from "node:path";

/** The directory of the checkout. */
export const projectRoot = resolve(import.meta.dirname, "../../..");
