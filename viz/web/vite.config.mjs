// For work on one page (`PAGE=viewer npm run dev`) and for the tests. Builds go through build.mjs.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { pageConfig } from "./vite.pages.mjs";

const root = fileURLToPath(new URL(".", import.meta.url));
const api = process.env.TALLYHOUSE_API ?? "http://127.0.0.1:8000";
const { resolve, ...page } = pageConfig(process.env.PAGE ?? "viewer");

export default defineConfig(({ command }) => ({
  ...(process.env.VITEST ? { root } : page),
  resolve,
  server: { proxy: { "/api": { target: api, ws: true, changeOrigin: false } } },
  clearScreen: command !== "serve",
  test: {
    include: ["{shared,viewer,bank,pda,sign-in}/**/*.test.{ts,tsx}"],
    environment: "happy-dom",
    // One window for the files of a worker: making one each takes longer than all tests together.
    isolate: false,
    restoreMocks: true,
  },
}));
