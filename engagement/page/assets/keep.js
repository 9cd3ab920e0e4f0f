"use strict";
// Keeps the taps and forms of a person who is faster than the client, and shows that they
// were seen; the client takes them when it is there (web/early_js.go). It keeps the place in the
// address as well, which goes when the person follows an anchor of the page. This script is in the
// page's markup, so that it is there before the first button.
(() => {
  const kept = [];
  const tap = (event) => {
    const button = event.target.closest("button[data-act]");
    if (!button || button.type !== "button") return;
    kept.push(button);
    button.dataset.kept = "";
    if (!button.matches(".like, .save") || !document.getElementById("write").firstChild) return;
    const on = button.classList.toggle("on"), count = button.querySelector(".count");
    button.setAttribute("aria-pressed", on);
    if (!/^\d{1,3}$/.test(count.textContent)) return; // 1.2k
    count.textContent = Number(count.textContent) + (on ? 1 : -1);
    count.classList.toggle("none", count.textContent === "0");
  };
  const send = (event) => {
    event.preventDefault();
    if (kept.includes(event.target)) return;
    kept.push(event.target);
    event.target.dataset.kept = "";
  };
  document.addEventListener("click", tap);
  document.addEventListener("submit", send);
  window.engagedKept = {
    place: location.hash.slice(1),
    take() {
      document.removeEventListener("click", tap);
      document.removeEventListener("submit", send);
      return kept.splice(0);
    },
  };
  const root = document.documentElement;
  try {
    // The content of a person who was signing out is not shown again.
    if (localStorage.getItem("engaged-leaving")) root.dataset.leaving = "";
    // A request that comes from a link of another site carries no session: the server has
    // taken a signed-in person for nobody. The same request from here carries it.
    const stranger = root.dataset.for === "" && localStorage.getItem("engaged-session");
    if (stranger && !document.referrer.startsWith(location.origin + "/")) location.replace(location.href);
  } catch {}
})();
