export * from "./backup.ts";
