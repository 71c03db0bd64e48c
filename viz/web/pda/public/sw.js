/*
 * Keeps the shell of the handheld page, so that it opens without a line. The page comes from the store at once
 * and is renewed behind it: a hall with a weak line must not wait for it. Work data never passes through here.
 */
const STORE = "tallyhouse-pda-shell";
const PAGE = "/pda/";

self.addEventListener("install", (event) => {
  event.waitUntil(renew().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const isOurs = origin === self.location.origin && pathname.startsWith(PAGE);
  if (event.request.method !== "GET" || !isOurs) return;
  if (event.request.mode === "navigate") {
    event.waitUntil(renew().catch(() => undefined));
    event.respondWith(caches.match(PAGE).then((page) => page ?? fetch(event.request)));
  } else {
    event.respondWith(caches.match(event.request).then((stored) => stored ?? fetchAndStore(event.request)));
  }
});

/** Stores the page with all that it names. When it changed, what only the old page needed is dropped. */
async function renew() {
  const page = await fetch(PAGE, { cache: "no-store" });
  if (!page.ok) throw new Error(`the page answered ${page.status}`);
  const text = await page.clone().text();
  const store = await caches.open(STORE);
  const before = await store.match(PAGE);
  if (before !== undefined && (await before.text()) === text) return;
  const named = [...text.matchAll(/(?:src|href)="(\/pda\/[^"]+)"/g)].map((match) => match[1]);
  await store.addAll(named);
  await store.put(PAGE, page);
  const kept = new Set([PAGE, ...named]);
  for (const request of await store.keys()) {
    if (!kept.has(new URL(request.url).pathname)) await store.delete(request);
  }
}

async function fetchAndStore(request) {
  const answer = await fetch(request);
  if (answer.ok) await (await caches.open(STORE)).put(request, answer.clone());
  return answer;
}
