export * from "./actor.ts";
export * from "./capture-times.ts";
export * from "./scene.ts";
export * from "./scenes.ts";
