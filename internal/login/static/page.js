// What pages do better with scripts: show a password, tick its rules, close a menu, focus an error.
// Every page works without.
"use strict";

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  const labels = [button.textContent, button.dataset.hide];
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.textContent = labels[Number(shown)];
  });
  // A password manager saves the field as it is sent.
  input.form.addEventListener("submit", () => { input.type = "password"; });
}

const symbols = "^$*.[]{}()?\"!@#%&/\\,><':;|_~=+-` ";
const checks = {
  lower: (text) => /[a-z]/.test(text),
  upper: (text) => /[A-Z]/.test(text),
  number: (text) => /[0-9]/.test(text),
  symbol: (text) => [...text].some((c) => symbols.includes(c)),
  length: (text, rule) => [...text].length >= Number(rule.dataset.least),
};
for (const list of document.querySelectorAll("[data-rules]")) {
  const input = document.getElementById(list.dataset.rules);
  const tick = () => {
    for (const rule of list.children) {
      const met = checks[rule.dataset.rule](input.value, rule);
      rule.classList.toggle("met", met);
      // The names by which the CSS of classic pages knows a rule.
      rule.classList.toggle("passwordCheck-valid-customizable", met);
      rule.classList.toggle("passwordCheck-notValid-customizable", !met);
    }
  };
  input.addEventListener("input", tick);
  tick();
}

for (const menu of document.querySelectorAll(".languages")) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

document.getElementById("loginErrorMessage")?.focus();
