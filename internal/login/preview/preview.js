// The preview makes each frame as tall as its page, and reloads when a list changes.
"use strict";

for (const frame of document.querySelectorAll("iframe")) {
  const fit = () => {
    const page = frame.contentDocument;
    if (page?.URL === "about:blank" || page?.readyState !== "complete") return;
    frame.parentElement.style.setProperty("--height", `${Math.max(page.documentElement.scrollHeight, 560)}px`);
  };
  frame.addEventListener("load", fit);
  fit();
}

for (const list of document.querySelectorAll("select")) {
  list.addEventListener("change", () => {
    // Another pool has other clients.
    if (list.name === "pool") list.form.elements.client?.remove();
    list.form.requestSubmit();
  });
}
