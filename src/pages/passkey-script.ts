/**
 * The pages' one script, served as it is. It shows the parts that need it, and carries a ceremony's options and answer between
 * server and authenticator in the JSON of WebAuthn L3 §5.1.8–§5.1.10, which the browser itself reads and writes.
 *
 * Kept as text, because a bundler may insert its own calls into functions.
 *
 * @module
 */
export const passkeyScript = `"use strict";
(() => {
  const supported =
    typeof PublicKeyCredential === "function" &&
    typeof PublicKeyCredential.parseCreationOptionsFromJSON === "function" &&
    typeof PublicKeyCredential.parseRequestOptionsFromJSON === "function";
  // A challenge is valid for five minutes; a challenge that waits in the autofill is renewed before that.
  const renewAfterMilliseconds = 240000;
  let waiting;

  async function post(path, body) {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const reply = await response.json().catch(() => ({}));
    if (response.ok) return reply;
    if (reply.location) {
      location.assign(reply.location);
      return new Promise(() => {});
    }
    throw new Error(reply.message || "The server did not answer as expected. Try again.");
  }

  async function perform(form, more) {
    const { ceremony, options, finish, next } = form.dataset;
    const json = await post(options, {});
    const credential =
      ceremony === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(json), ...more })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(json), ...more });
    const name = form.elements.namedItem("name");
    const { location: there } = await post(finish, {
      response: credential.toJSON(),
      ...(next && { next }),
      ...(name && { name: name.value }),
    });
    const target = new URL(there, location.href);
    const isHere = target.pathname === location.pathname && target.search === location.search;
    location.assign(target);
    if (isHere) location.reload();
  }

  function describe(error, ceremony) {
    if (error.name === "InvalidStateError") return "This device already has a passkey for your account.";
    if (error.name === "NotAllowedError" || error.name === "AbortError") {
      return ceremony === "create"
        ? "No passkey was created. The request was canceled or timed out."
        : "No passkey was used. The request was canceled or timed out, or this device has no passkey.";
    }
    if (error.name === "SecurityError") return "Passkeys do not work at this address.";
    return error.message;
  }

  function say(form, text) {
    const message = form.querySelector("[data-message]");
    message.textContent = text;
    message.hidden = text === "";
  }

  async function offerInAutofill(form) {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const controller = new AbortController();
    waiting = controller;
    const renewal = setTimeout(() => {
      controller.abort();
      void offerInAutofill(form);
    }, renewAfterMilliseconds);
    try {
      await perform(form, { mediation: "conditional", signal: controller.signal });
    } catch (error) {
      // The user has not asked for this yet, so only the server's message about a chosen passkey is shown.
      if (error.name === "Error") say(form, error.message);
    } finally {
      clearTimeout(renewal);
    }
  }

  for (const note of document.querySelectorAll("[data-no-passkeys]")) {
    note.hidden = supported;
    note.textContent = "This browser does not support passkeys. Try a newer one.";
  }
  if (!supported) return;
  for (const form of document.querySelectorAll("form[data-ceremony]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      waiting?.abort();
      say(form, "");
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        await perform(form, {});
      } catch (error) {
        say(form, describe(error, form.dataset.ceremony));
      } finally {
        button.disabled = false;
      }
    });
    if ("autofill" in form.dataset) void offerInAutofill(form);
  }
})();
`;
