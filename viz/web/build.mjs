// Builds the named pages, or all of them, into dist/, and refuses a page that outgrew its budget.
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { PAGES, pageConfig } from "./vite.pages.mjs";

/** Largest first load of each page, in kilobytes after gzip: what its index.html names, not the lazy parts. */
const FIRST_LOAD_KB_MAX = { "sign-in": 450, viewer: 450, bank: 450, pda: 60 };

/** Size after gzip of the scripts and styles that a built page names in its index.html, in kilobytes. */
function firstLoadKb(page) {
  const folder = new URL(`./dist/${page}/`, import.meta.url);
  const html = readFileSync(new URL("index.html", folder), "utf8");
  const named = readdirSync(new URL("assets/", folder)).filter((file) => html.includes(file));
  const bytes = named.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(`assets/${file}`, folder))).length, 0);
  return Math.round(bytes / 1000);
}

const wanted = process.argv.slice(2);
for (const page of wanted.length > 0 ? wanted : PAGES) {
  await build(pageConfig(page));
  const size = firstLoadKb(page);
  console.log(`${page}: first load ${size} kB of ${FIRST_LOAD_KB_MAX[page]} kB`);
  if (size > FIRST_LOAD_KB_MAX[page]) {
    console.error(`${page}: first load is above its budget`);
    process.exitCode = 1;
  }
}
