import { describe, expect, test } from "vitest";
import { deviceLabel } from "../../src/domain/device-label.ts";

const webKit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

describe("label of a device", () => {
  test.each([
    { agent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome}`, label: "Chrome on Windows" },
    { agent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${chrome} Edg/142.0.0.0`, label: "Edge on Windows" },
    { agent: `Mozilla/5.0 (X11; Linux x86_64) ${chrome} OPR/125.0.0.0`, label: "Opera on Linux" },
    { agent: `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${chrome}`, label: "Chrome on ChromeOS" },
    { agent: `Mozilla/5.0 (Linux; Android 10; K) ${chrome}`, label: "Chrome on Android" },
    {
      agent: `Mozilla/5.0 (Linux; Android 15) ${chrome.replace("Chrome", "SamsungBrowser/29.0 Chrome")}`,
      label: "Samsung Internet on Android",
    },
    {
      agent: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webKit} Version/26.0 Safari/605.1.15`,
      label: "Safari on macOS",
    },
    {
      agent: `Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${webKit} Version/26.0 Safari/604.1`,
      label: "Safari on iPhone",
    },
    {
      agent: `Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) ${webKit} CriOS/142.0 Safari/604.1`,
      label: "Chrome on iPad",
    },
    { agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", label: "Firefox on Linux" },
  ])("$agent: $label", ({ agent, label }) => {
    expect(deviceLabel(agent)).toBe(label);
  });

  test.each([
    { case: "no user agent", agent: null, label: "Unknown device" },
    { case: "an empty user agent", agent: "", label: "Unknown device" },
    { case: "a browser without a system", agent: "curl/8.17.0", label: "curl" },
    { case: "a system without a browser", agent: "Dalvik/2.1.0 (Linux; Android 15)", label: "Android" },
    { case: "another program", agent: "my-app.beta/1.0 (+https://example.com)", label: "my-app.beta" },
    { case: "a long word", agent: "a".repeat(33), label: "a".repeat(32) },
    { case: "markup", agent: "<script>", label: "Unknown device" },
  ])("$case: $label", ({ agent, label }) => {
    expect(deviceLabel(agent)).toBe(label);
  });
});
