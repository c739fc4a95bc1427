// What pages do better with scripts: show a password, tick its rules, close a menu, use a
// passkey, focus an error. Every page but those of passkeys works without.
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

// A second click would send a form whose state the first one has used.
for (const form of document.querySelectorAll("form:not([data-passkey], [data-autofill])")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}

// What threat protection learns of the browser, signed as Cognito's own scripts sign it. Pages of user pools without threat
// protection have no field for it, and a form without it is accepted, too.
async function describeBrowser(input) {
  const encode = (value) => new TextEncoder().encode(value);
  const device = localStorage.getItem("cognate-device") ?? Array.from(crypto.getRandomValues(new Uint8Array(20)), (n) => (n % 36).toString(36)).join("") + ":" + Date.now();
  localStorage.setItem("cognate-device", device);
  const offset = -new Date().getTimezoneOffset();
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  const payload = JSON.stringify({
    contextData: {
      UserAgent: navigator.userAgent, DeviceId: device, DeviceLanguage: navigator.language, DevicePlatform: navigator.platform,
      DeviceFingerprint: [navigator.userAgent, ...Array.from(navigator.plugins, (plugin) => plugin.name), navigator.language].join(":"),
      ClientTimezone: (offset < 0 ? "-" : "") + two(Math.abs(offset) / 60) + ":" + two(Math.abs(offset) % 60),
    },
    username: "", userPoolId: "", timestamp: String(Date.now()),
  });
  const version = "JS20171115";
  const client = new URLSearchParams(location.search).get("client_id") ?? "";
  const key = await crypto.subtle.importKey("raw", encode(client), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, encode(version + payload)))));
  input.value = btoa(String.fromCharCode(...encode(JSON.stringify({ payload, signature, version }))));
}
for (const input of document.querySelectorAll("[data-context]")) {
  const describe = () => { describeBrowser(input).catch(() => {}); };
  describe();
  input.form.addEventListener("focusin", describe); // The time in it must be recent.
}

// Passkeys (Web Authentication): the server's options are JSON, with bytes in base64url.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function readOptions(json) {
  const options = JSON.parse(json);
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const key of [...(options.allowCredentials ?? []), ...(options.excludeCredentials ?? [])]) key.id = bytes(key.id);
  return options;
}

function writeCredential(credential) {
  const response = { clientDataJSON: text(credential.response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined, clientExtensionResults: credential.getClientExtensionResults(),
  });
}

function tellTrouble(name) {
  for (const box of document.querySelectorAll("[data-passkey-trouble]")) {
    box.hidden = box.dataset.passkeyTrouble !== name;
    if (!box.hidden) box.focus();
  }
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) {
    tellTrouble("missing");
    continue;
  }
  const button = form.querySelector("button");
  button.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    tellTrouble("");
    try {
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey: readOptions(form.dataset.options) });
      form.elements.credential.value = writeCredential(credential);
      form.submit();
    } catch {
      button.disabled = false;
      tellTrouble("failed");
    }
  });
}

// A passkey that the browser offers in the field for the name.
async function offerPasskeys(form) {
  if (!await window.PublicKeyCredential?.isConditionalMediationAvailable?.()) return;
  const credential = await navigator.credentials.get({ publicKey: readOptions(form.dataset.autofill), mediation: "conditional" });
  form.elements.credential.value = writeCredential(credential);
  form.submit();
}
for (const form of document.querySelectorAll("[data-autofill]")) offerPasskeys(form).catch(() => {});

// Only the preview has pages in frames. There a focus would scroll the preview to the frame.
if (window === window.top) document.getElementById("loginErrorMessage")?.focus();
