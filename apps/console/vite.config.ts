import { defineConfig } from "vite";
import { precompress } from "./build/precompress.ts";

/** Where the results service answers while developing (`pnpm dev`). */
const server = process.env.SIGHTLINE_RESULTS_URL ?? "http://127.0.0.1:9100";

export default defineConfig({
  plugins: [precompress()],
  build: {
    target: "es2023",
    // The page's policy allows scripts and styles from files only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { "/api": { target: server, ws: true, changeOrigin: true, headers: { origin: server } } },
  },
});
