/** True for a color such as `#1d4ed8`. */
export function isColor(text: unknown): text is string {
  return typeof text === "string" && /^#[0-9a-f]{6}$/i.test(text);
}

/** The rules that carry an application's color, and its own. */
export function brandStyle(colors: { light: string; dark: string } | undefined, css: string): string {
  const accent = colors
    ? `${rule(colors.light, "#ffffff")}\n@media (prefers-color-scheme: dark) { ${rule(colors.dark, "#1b212c")} }\n`
    : "";
  return accent + css;
}

/** WCAG 2.2 §1.4.3: text needs a contrast of 4.5. A color that is too faint for links marks buttons only. */
function rule(accent: string, surface: string): string {
  const onAccent = contrast(accent, "#ffffff") >= contrast(accent, "#000000") ? "#ffffff" : "#000000";
  const link = contrast(accent, surface) >= 4.5 ? accent : "var(--text)";
  return `:root { --accent: ${accent}; --on-accent: ${onAccent}; --link: ${link}; }`;
}

/** The ratio of two colors' luminance (WCAG 2.2, “contrast ratio”). */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
