// Starts the client. Everything else is Go: see package web.
"use strict";
(async () => {
  // The start has failed. What is on the page stays there, and can be read.
  const say = (text) => {
    const lost = window.engagedKept.take().length > 0;
    document.addEventListener("submit", (event) => event.preventDefault()); // the text stays in its field
    document.getElementById("notices").innerHTML = `<ul class="notices"><li class="notice grave"><p></p><button type="button" class="button">Reload</button></li></ul>`;
    document.querySelector(".notice p").textContent = text + (lost ? " Your taps did not count." : "");
    document.querySelector(".notice .button").addEventListener("click", () => location.reload());
    for (const ghosts of document.querySelectorAll(".loading")) ghosts.remove();
  };
  if (typeof WebAssembly !== "object") return say("This browser is too old: it does not support WebAssembly.");
  try {
    const go = new Go();
    // The page has one thread: a collection is a frame that comes late. The heap is small,
    // so it may grow instead.
    go.env.GOGC = "400";
    const { instance } = await WebAssembly.instantiateStreaming(fetch("/page.wasm"), go.importObject);
    const ended = go.run(instance);
    // It opens the page without a network; a browser without it needs one.
    navigator.serviceWorker?.register("/sw.js").catch(() => {});
    await ended;
    document.documentElement.removeAttribute("data-ready");
    console.error("the client has ended");
  } catch (err) {
    console.error(err);
    say("The page did not start. Check your connection.");
  }
})();
