// Opens the page without a network. It keeps the client and a page without posts, for one
// version at a time, and gives them out when the server does not answer; with an answer
// nothing comes from here. It keeps no answers of the API, and no content of anybody.
"use strict";
const version = "{{.}}";
const family = "engaged-", mine = family + version;
const files = ["/shell", "/page.wasm", "/wasm_exec.js", "/boot.js", "/favicon.svg"];
const patience = 5000; // ms without an answer

self.addEventListener("install", (event) => {
  self.skipWaiting(); // open pages have all that they need
  event.waitUntil(caches.open(mine).then((cache) => cache.addAll(files)));
});

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const old = (await caches.keys()).filter((name) => name.startsWith(family) && name !== mine);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable(); // else the page waits for this script
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== self.location.origin) return;
  const page = event.request.mode === "navigate" && pathname === "/";
  if (page || files.includes(pathname)) event.respondWith(answer(event, page ? "/shell" : pathname));
});

async function answer(event, file) {
  const asked = (async () => (await event.preloadResponse) || fetch(event.request))();
  const late = new Promise((resolve) => setTimeout(resolve, patience));
  const response = await Promise.race([asked, late]).catch(() => null);
  if (response && response.status < 500) return response;
  const cache = await caches.open(mine);
  return (await cache.match(file, { ignoreVary: true })) || asked;
}
