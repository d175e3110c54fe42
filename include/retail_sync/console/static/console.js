// Comfort only: every page works without this.
"use strict";

// Airflow's own theme: of the window around this frame, or of the system.
(function () {
  const root = document.documentElement;
  function outer() {
    try {
      return window.parent !== window ? window.parent.document.documentElement : null;
    } catch (denied) {
      return null;
    }
  }
  const around = outer();
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function follow() {
    const dark = around && (around.classList.contains("dark") || around.classList.contains("light"))
      ? around.classList.contains("dark")
      : system.matches;
    root.dataset.theme = dark ? "dark" : "light";
  }
  follow();
  system.addEventListener("change", follow);
  if (around) {
    new MutationObserver(follow).observe(around, { attributes: true, attributeFilter: ["class"] });
  }
})();

// Links to Airflow's own pages: the frame may not open windows, but may move the page around it.
document.addEventListener("click", function (event) {
  const link = event.target.closest("a.airflow");
  if (!link || window.parent === window) {
    return;
  }
  event.preventDefault();
  try {
    window.parent.history.pushState({}, "", link.getAttribute("href"));
    window.parent.dispatchEvent(new PopStateEvent("popstate"));
  } catch (denied) {
    window.location.assign(link.href);
  }
});

// "All of them": a box that ticks the boxes of its table.
document.addEventListener("change", function (event) {
  const all = event.target.closest("input[data-all]");
  if (!all) {
    return;
  }
  document.querySelectorAll(`input[name="${all.dataset.all}"]`).forEach(function (box) {
    box.checked = all.checked;
  });
});

// A button is pressed once.
document.addEventListener("submit", function (event) {
  const form = event.target;
  if (form.method.toLowerCase() !== "post") {
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
  }
  form.dataset.sent = "yes";
});
