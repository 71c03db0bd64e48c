// How each page is built. A page is a folder with an index.html; it is served under its own name.
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";

const root = fileURLToPath(new URL(".", import.meta.url));

/** The pages of the product, in the order they are built. */
export const PAGES = ["sign-in", "viewer", "bank", "pda"];

/** The handheld page runs on Preact, because its first load must stay under 60 kB. */
const isPreact = (page) => page === "pda";

/**
 * The Vite configuration of one page.
 *
 * `base` is the path the API serves it under, so that pages work without rewriting.
 * Assets are never inlined as data addresses: the content security policy admits our own origin only.
 */
export function pageConfig(page) {
  return {
    root: `${root}${page}`,
    base: `/${page}/`,
    configFile: false,
    logLevel: "warn",
    plugins: isPreact(page) ? [] : [react()],
    oxc: isPreact(page) ? { jsx: { runtime: "automatic", importSource: "preact" } } : {},
    resolve: { alias: { "@shared": `${root}shared` } },
    // The handheld brings its own: a service worker and a manifest beside the icon.
    publicDir: isPreact(page) ? `${root}pda/public` : `${root}shared/public`,
    build: {
      outDir: `${root}dist/${page}`,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      target: "es2022",
      reportCompressedSize: false,
      chunkSizeWarningLimit: 2000,
    },
  };
}
