// SPDX-License-Identifier: Apache-2.0
// The browser's half: security keys, forms that are sent once, and fetch with a step-up. A module without a build step.
//
//   import { mfaFetch } from "/mfa/ram-mfa.js";
//   const response = await mfaFetch("/servers/i-0815", { method: "DELETE" });

const STEP_UP = "urn:ram-mfa:step-up";

/** An error of a ceremony; `code` is one of those below, and `cause` the browser's own error. */
export class WebAuthnError extends Error {
  constructor(code, cause) {
    super(code, { cause });
    this.name = "WebAuthnError";
    this.code = code;
  }
}

let pending = null;

function decode(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, letter => letter.charCodeAt(0)).buffer;
}

function encode(buffer) {
  if (buffer === null || buffer === undefined) return undefined;
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const descriptors = list => (list || []).map(one => ({ ...one, id: decode(one.id) }));

function creationOptions(json) {
  const parse = PublicKeyCredential.parseCreationOptionsFromJSON;
  if (parse) return parse.call(PublicKeyCredential, json);
  return {
    ...json,
    challenge: decode(json.challenge),
    user: { ...json.user, id: decode(json.user.id) },
    excludeCredentials: descriptors(json.excludeCredentials),
  };
}

function requestOptions(json) {
  const parse = PublicKeyCredential.parseRequestOptionsFromJSON;
  if (parse) return parse.call(PublicKeyCredential, json);
  return { ...json, challenge: decode(json.challenge), allowCredentials: descriptors(json.allowCredentials) };
}

function toJSON(credential) {
  if (credential.toJSON) {
    try { return credential.toJSON(); } catch (error) { if (!(error instanceof TypeError)) throw error; }
  }
  const answer = credential.response;
  const response = { clientDataJSON: encode(answer.clientDataJSON) };
  if (answer.attestationObject) {
    response.attestationObject = encode(answer.attestationObject);
    response.transports = answer.getTransports ? answer.getTransports() : [];
  } else {
    response.authenticatorData = encode(answer.authenticatorData);
    response.signature = encode(answer.signature);
    response.userHandle = encode(answer.userHandle);
  }
  return {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

function codeOf(error, ask) {
  if (error instanceof WebAuthnError) return error.code;
  if (error.name === "AbortError") return "ERROR_CEREMONY_ABORTED";
  if (error.name === "InvalidStateError" && ask === "create") return "ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED";
  if (error.name === "SecurityError") return "ERROR_INVALID_DOMAIN";
  if (error.name === "NotAllowedError") return "ERROR_PASSTHROUGH_SEE_CAUSE_PROPERTY";
  return "ERROR_AUTHENTICATOR_GENERAL_ERROR";
}

/** Ask the browser for a credential: `ask` is "create" or "get". An earlier ceremony that still waits is aborted. */
export async function credential(ask, options) {
  try {
    if (typeof PublicKeyCredential === "undefined" || !navigator.credentials) {
      throw new WebAuthnError("ERROR_NOT_SUPPORTED");
    }
    if (pending) pending.abort();
    const mine = pending = new AbortController();
    try {
      const publicKey = ask === "create" ? creationOptions(options) : requestOptions(options);
      const answer = await navigator.credentials[ask]({ publicKey, signal: mine.signal });
      if (!answer) throw new WebAuthnError("ERROR_AUTHENTICATOR_GENERAL_ERROR");
      return toJSON(answer);
    } finally {
      if (pending === mine) pending = null;
    }
  } catch (error) {
    throw error instanceof WebAuthnError ? error : new WebAuthnError(codeOf(error, ask), error);
  }
}

const SENTENCES = {
  ERROR_CEREMONY_ABORTED: "cancelled",
  ERROR_PASSTHROUGH_SEE_CAUSE_PROPERTY: "cancelled",
  ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED: "registered",
  ERROR_INVALID_DOMAIN: "insecure",
  ERROR_NOT_SUPPORTED: "unsupported",
};

function say(form, key) {
  const page = form.closest("[data-say-failed]");
  const place = form.querySelector(".mfa-status");
  if (place) place.textContent = key && page ? page.getAttribute(`data-say-${key}`) : "";
}

function arm(form, busy) {
  form.dataset.mfaBusy = busy ? "yes" : "";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", busy ? "true" : "false");
}

async function submitted(event) {
  const form = event.target.closest("form.mfa-form");
  if (!form) return;
  if (form.dataset.mfaBusy === "yes") { event.preventDefault(); return; }
  arm(form, true);
  if (!form.dataset.mfaAsk) return;
  event.preventDefault();
  say(form, "waiting");
  try {
    const answer = await credential(form.dataset.mfaAsk, JSON.parse(form.dataset.mfaOptions));
    form.elements.mfa_answer.value = JSON.stringify(answer);
    say(form, "sending");
    HTMLFormElement.prototype.submit.call(form);
  } catch (error) {
    arm(form, false);
    say(form, SENTENCES[error.code] || "failed");
  }
}

/** Fetch, and where the server asks for a step-up, let the person answer it and repeat the request once. */
export async function mfaFetch(input, init = {}, { answer = askInDialog } = {}) {
  const first = input instanceof Request ? input.clone() : input;
  const headers = new Headers(init.headers || (input instanceof Request ? input.headers : undefined));
  if (!headers.has("Accept")) headers.set("Accept", "application/json");
  const response = await fetch(first, { ...init, headers });
  const type = response.headers.get("Content-Type") || "";
  if (response.status !== 403 || !type.includes("json")) return response;
  const page = await response.clone().json().catch(() => ({}));
  if (page.type !== STEP_UP) return response;
  const receipt = await answer(page);
  if (!receipt) return response;
  headers.set("MFA-Receipt", receipt);
  return fetch(input, { ...init, headers });
}

/** Send an answer to the URL of a page in JSON; `fields` is {mfa_code} or {mfa_answer}. Returns the next page. */
export async function send(page, fields) {
  const response = await fetch(page.action, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ ...page.hidden, ...fields }),
  });
  return response.json();
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function askInDialog(page) {
  const text = page.labels || {};
  const status = element("p", { className: "mfa-status", role: "status" }, page.message ? page.message.text : "");
  status.setAttribute("aria-live", "polite");
  const dialog = element("dialog", { className: "mfa-dialog" });
  const title = element("h2", { id: "mfa-dialog-title" }, page.title || "");
  dialog.setAttribute("aria-labelledby", "mfa-dialog-title");
  const form = element("form", { method: "dialog" });
  const box = element("div", { className: "mfa" }, title, element("p", {}, page.about || ""), status, form);
  dialog.append(box);
  return new Promise(resolve => {
    let current = page;
    const done = receipt => { dialog.close(); dialog.remove(); resolve(receipt); };
    const next = async fields => {
      const answer = await send(current, fields).catch(() => null);
      if (answer && answer.receipt) { done(answer.receipt); return; }
      if (answer && answer.hidden) current = answer;
      status.textContent = answer && answer.message ? answer.message.text : text.failed || "";
    };
    if (page.codes) {
      const input = element("input", { type: "text", id: "mfa-dialog-code", autocomplete: "one-time-code", required: true, autofocus: true });
      input.setAttribute("inputmode", "numeric");
      const label = element("label", { htmlFor: "mfa-dialog-code" }, text.code || "");
      form.append(element("p", { className: "mfa-field" }, label, input), element("button", {}, text.confirm || ""));
      form.addEventListener("submit", event => { event.preventDefault(); next({ mfa_code: input.value }); });
    }
    if (page.key) {
      const button = element("button", { type: "button" }, text.key || "");
      button.addEventListener("click", async () => {
        try { await next({ mfa_answer: await credential("get", current.key.get) }); } catch (error) {
          status.textContent = text[SENTENCES[error.code] || "failed"] || "";
        }
      });
      form.append(button);
    }
    const cancel = element("button", { type: "button", className: "mfa-quiet" }, text.cancel || "");
    cancel.addEventListener("click", () => done(null));
    form.append(cancel);
    dialog.addEventListener("cancel", () => done(null));
    document.body.append(dialog);
    dialog.showModal();
  });
}

if (typeof document !== "undefined") {
  document.addEventListener("submit", submitted);
  // A page that comes back out of the browser's cache may be sent again.
  window.addEventListener("pageshow", () => document.querySelectorAll("form.mfa-form").forEach(form => arm(form, false)));
}
