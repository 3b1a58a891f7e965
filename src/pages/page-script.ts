/**
 * The script of every page, served as it is. It writes times as the reader's local time, shows passwords that are being typed,
 * and copies and saves what is shown once. Without it, the pages lack only these. Kept as text, because a bundler may insert its
 * own calls into functions.
 *
 * @module
 */
export const pageScript = `"use strict";
(() => {
  const { lang, dataset: { locale } } = document.documentElement;
  const local = new Intl.DateTimeFormat(locale || lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[data-local]")) {
    time.title = time.textContent;
    time.textContent = local.format(new Date(time.dateTime));
  }

  // The word on a button, and the other one.
  function swapWord(button) {
    const word = button.querySelector("[data-word]");
    [word.textContent, button.dataset.other] = [button.dataset.other, word.textContent];
  }

  function textOf(id) {
    const element = document.getElementById(id);
    const lines = [...element.querySelectorAll("li")].map((line) => line.textContent.trim());
    return lines.length > 0 ? lines.join("\\n") + "\\n" : element.textContent.trim();
  }

  for (const button of document.querySelectorAll("[data-reveal]")) {
    const field = document.getElementById(button.dataset.reveal);
    const show = (isShown) => {
      if (isShown !== (field.type === "text")) swapWord(button);
      field.type = isShown ? "text" : "password";
    };
    button.hidden = false;
    button.addEventListener("click", () => show(field.type === "password"));
    // A browser remembers what was typed into a field of plain text.
    field.form.addEventListener("submit", () => show(false));
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(textOf(button.dataset.copy));
      if (button.dataset.isCopied) return;
      button.dataset.isCopied = "yes";
      button.setAttribute("aria-live", "polite");
      swapWord(button);
      setTimeout(() => {
        swapWord(button);
        delete button.dataset.isCopied;
      }, 2000);
    });
  }

  for (const button of document.querySelectorAll("[data-save]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([textOf(button.dataset.save)], { type: "text/plain" }));
      link.download = button.dataset.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
})();
`;
