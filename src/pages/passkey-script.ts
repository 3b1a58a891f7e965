/**
 * The script of passkeys, served as it is. It shows the parts that need it, and carries a ceremony's options and answer between
 * server and authenticator in the JSON of WebAuthn L3 §5.1.8–§5.1.10.
 *
 * It needs `navigator.credentials` and nothing newer. It reads and writes the JSON itself, because some browsers lack the
 * functions for that and some password managers replace them by ones that throw. Kept as text, because a bundler may insert its
 * own calls into functions.
 *
 * @module
 */
export const passkeyScript = `"use strict";
(() => {
  const supported = typeof PublicKeyCredential === "function" && Boolean(navigator.credentials);
  // A challenge is valid for five minutes; a challenge that waits in the autofill is renewed before that.
  const renewAfterMilliseconds = 240000;
  // What it says, in the language of the page.
  const texts = JSON.parse(document.querySelector("[data-texts]")?.dataset.texts ?? "{}");
  let waiting;
  // The answer for a passkey that was made and that the server has not stored.
  let unsaved;

  async function post(path, body) {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const reply = await response.json().catch(() => ({}));
    if (response.ok) return reply;
    const error = new Error(reply.message || texts["no-answer"]);
    error.location = reply.location;
    error.act = reply.act;
    error.isRefusal = response.status < 500 && response.status !== 429;
    throw error;
  }

  // An act goes in the body of a form, never in an address.
  function leadTo(location, act) {
    const form = document.createElement("form");
    const field = document.createElement("input");
    Object.assign(form, { method: "post", action: location, hidden: true });
    Object.assign(field, { type: "hidden", name: "act", value: act });
    form.append(field);
    document.body.append(form);
    form.submit();
  }

  function bytesOf(text) {
    return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  }

  function textOf(buffer) {
    const binary = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join("");
    return btoa(binary).replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=/g, "");
  }

  function optionsOf(json) {
    const options = { ...json, challenge: bytesOf(json.challenge) };
    if (json.user) options.user = { ...json.user, id: bytesOf(json.user.id) };
    for (const name of ["excludeCredentials", "allowCredentials"]) {
      if (json[name]) options[name] = json[name].map((one) => ({ ...one, id: bytesOf(one.id) }));
    }
    return options;
  }

  function answerOf({ rawId, response: given }) {
    const id = textOf(rawId);
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (given[name]) response[name] = textOf(given[name]);
    }
    try {
      if (given.attestationObject) response.transports = given.getTransports();
    } catch (error) {
      // Only a hint for later ceremonies.
    }
    return { id, rawId: id, type: "public-key", response, clientExtensionResults: {} };
  }

  async function create(options, more, name) {
    if (unsaved) return unsaved;
    // A security key is a factor that awaits its answer.
    const { factor_id, ...json } = await post(options, name ? { name: name.value } : {});
    const credential = await navigator.credentials.create({ publicKey: optionsOf(json), ...more });
    unsaved = { response: answerOf(credential), ...(factor_id && { factor_id }) };
    return unsaved;
  }

  async function perform(form, more) {
    const { ceremony, options, finish, next, act } = form.dataset;
    const name = form.elements.namedItem("name");
    const remember = document.querySelector("[name=remember]");
    const answer =
      ceremony === "create"
        ? await create(options, more, name)
        : { response: answerOf(await navigator.credentials.get({ publicKey: optionsOf(await post(options, {})), ...more })) };
    const reply = await post(finish, {
      ...answer,
      ...(next && { next }),
      ...(act && { act }),
      ...(remember && { remember: remember.checked }),
      ...(name && { name: name.value }),
    });
    unsaved = undefined;
    if (reply.act) return leadTo(reply.location, reply.act);
    const target = new URL(reply.location, location.href);
    const isHere = target.pathname === location.pathname && target.search === location.search;
    location.assign(target);
    if (isHere) location.reload();
  }

  // A passkey that only the user's device has would be offered at each sign-in, and refused.
  function sayUnsaved(error) {
    if (!error.isRefusal) return texts["unsaved"];
    unsaved = undefined;
    return error.message + " " + texts["remove-there"];
  }

  function describe(error, ceremony) {
    if (unsaved) return sayUnsaved(error);
    if (error.name === "InvalidStateError") return texts["has-one"];
    if (error.name === "NotAllowedError" || error.name === "AbortError") {
      return ceremony === "create"
        ? texts["none-created"]
        : texts["none-used"];
    }
    if (error.name === "SecurityError") return texts["wrong-place"];
    return error.message;
  }

  function say(form, text) {
    const message = form.querySelector("[data-message]");
    message.textContent = text;
    message.hidden = text === "";
  }

  async function offerInAutofill(form) {
    const { isConditionalMediationAvailable: isAvailable } = PublicKeyCredential;
    if (!isAvailable || !(await isAvailable.call(PublicKeyCredential))) return;
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
      if (error.location) location.assign(error.location);
      else if (error.name === "Error") say(form, error.message);
    } finally {
      clearTimeout(renewal);
    }
  }

  for (const note of document.querySelectorAll("[data-no-passkeys]")) {
    note.hidden = supported;
    note.textContent = note.dataset.noPasskeys;
  }
  if (!supported) return;
  for (const form of document.querySelectorAll("form[data-ceremony]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (waiting) waiting.abort();
      say(form, "");
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        await perform(form, {});
      } catch (error) {
        if (error.act) leadTo(error.location, error.act);
        else if (error.location && !unsaved) location.assign(error.location);
        else say(form, describe(error, form.dataset.ceremony));
      } finally {
        button.disabled = false;
      }
    });
    if ("autofill" in form.dataset) void offerInAutofill(form);
  }
})();
`;
