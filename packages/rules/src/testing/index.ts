export { anyRules } from "./any-rules.ts";
