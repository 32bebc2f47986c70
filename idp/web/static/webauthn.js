// Passkeys: lends the browser's own dialog to plain forms. Without this script every other way to sign in works.
//
// A form that wants a passkey has data-passkey-options (JSON from the server) and data-passkey ("get" or "create"),
// a hidden field for the answer, and a button[data-passkey-start] that stays hidden where the browser cannot.

const form = document.querySelector("form[data-passkey]");
const message = document.querySelector("[data-passkey-message]");
let pending = null;

function say(kind) {
  if (!message) return;
  message.textContent = message.dataset[kind] || "";
  message.hidden = !message.textContent;
}

function canDo() {
  return Boolean(window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON);
}

function finish(credential) {
  form.querySelector("[data-passkey-answer]").value = JSON.stringify(credential.toJSON());
  // The button's own name tells the server which way was taken; required fields of other ways do not count.
  form.noValidate = true;
  form.requestSubmit(form.querySelector("[data-passkey-start]"));
}

async function ask(mediation) {
  if (pending) pending.abort();
  pending = new AbortController();
  const options = JSON.parse(form.dataset.passkeyOptions);
  const signal = pending.signal;
  if (form.dataset.passkey === "create") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey, signal });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey, signal, ...(mediation ? { mediation } : {}) });
}

async function start(event) {
  const answer = form.querySelector("[data-passkey-answer]");
  if (answer.value) return; // the ceremony is done: let the form go
  event.preventDefault();
  say("waiting");
  try {
    finish(await ask());
  } catch (error) {
    if (error.name === "InvalidStateError") say("known");
    else if (error.name === "AbortError") say("none");
    else if (error.name === "SecurityError") say("insecure");
    else say("cancelled");
  }
}

async function offerQuietly() {
  if (form.dataset.passkeyAutofill === undefined || !PublicKeyCredential.isConditionalMediationAvailable) return;
  if (!(await PublicKeyCredential.isConditionalMediationAvailable())) return;
  try {
    finish(await ask("conditional"));
  } catch (error) {
    if (error.name !== "AbortError") say("none");
  }
}

if (form) {
  const button = form.querySelector("[data-passkey-start]");
  if (canDo()) {
    button.hidden = false;
    button.addEventListener("click", start);
    offerQuietly();
  } else {
    say("unable");
  }
}
