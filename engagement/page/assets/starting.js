// Asks for the page until it is there, and then shows it.
"use strict";
(async () => {
  for (;;) {
    try {
      const answer = await fetch("/started", { cache: "no-store" });
      if (answer.status === 204) return location.reload();
      if (answer.status === 202) continue;
    } catch {}
    await new Promise((next) => setTimeout(next, 1000)); // the server was ended, and may come again
  }
})();
