// Starts the client. Everything else is Go: see package web.
"use strict";
(async () => {
  const say = (text) => {
    const place = document.getElementById("booting");
    if (place) { place.setAttribute("role", "alert"); place.textContent = text; place.className = "end"; }
  };
  if (typeof WebAssembly !== "object") return say("This browser is too old: it does not support WebAssembly.");
  try {
    const go = new Go();
    // The page has one thread: a collection is a frame that comes late. The heap is small,
    // so it may grow instead.
    go.env.GOGC = "400";
    const { instance } = await WebAssembly.instantiateStreaming(fetch("/page.wasm"), go.importObject);
    await go.run(instance);
    document.documentElement.removeAttribute("data-ready");
    console.error("the client has ended");
  } catch (err) {
    console.error(err);
    say("The page could not be loaded. Check your connection and reload it.");
  }
})();
