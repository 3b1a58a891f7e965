/** The pages' own style sheet, served as it is. An application's `css` comes after it, and can set the same variables. */
export const style = `:root {
  color-scheme: light dark;
  --text: #1b2230;
  --quiet: #4b5565;
  --ground: #f5f6f8;
  --surface: #ffffff;
  --raised: #f5f6f8;
  --line: #dfe3ea;
  --field-line: #6b7688;
  --accent: #1d4ed8;
  --on-accent: #ffffff;
  --link: #1d4ed8;
  --danger: #b3261e;
  --danger-ground: #fdeceb;
  --done: #17663a;
  --done-ground: #e6f4ec;
  --warn: #7a4b00;
  --warn-ground: #fdf1da;
  --round: 0.75rem;
  --shadow: 0 1px 2px rgb(16 24 40 / 6%), 0 1px 3px rgb(16 24 40 / 8%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e8ecf3;
    --quiet: #aab4c5;
    --ground: #10141b;
    --surface: #1b212c;
    --raised: #252c3a;
    --line: #323b4c;
    --field-line: #8794aa;
    --accent: #8ab4ff;
    --on-accent: #0c1a36;
    --link: #8ab4ff;
    --danger: #ffb4ab;
    --danger-ground: #3b1d1b;
    --done: #8fdcae;
    --done-ground: #16301f;
    --warn: #f3c97a;
    --warn-ground: #382a10;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; background: var(--ground); color: var(--text); overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.01em; margin: 0 0 1.25rem; }
h2 { font-size: 1.0625rem; line-height: 1.4; margin: 0 0 0.25rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 0; }
p { margin: 0 0 1rem; }
ul { padding-left: 1.25rem; margin: 0 0 1rem; }
a { color: var(--link); }
.hint { color: var(--quiet); }
.skip { position: absolute; left: 1rem; top: -4rem; z-index: 1; padding: 0.75rem 1rem; background: var(--surface); }
.skip:focus { top: 0.5rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }

header { display: flex; align-items: center; gap: 0.75rem 1rem; min-height: 4rem; padding: 0.5rem max(1.5rem, calc((100% - 61rem) / 2)); background: var(--surface); border-bottom: 1px solid var(--line); }
.brand { display: inline-flex; align-items: center; gap: 0.625rem; min-height: 2.75rem; min-width: 2.75rem; color: var(--text); font-weight: 700; font-size: 1.0625rem; text-decoration: none; }
.brand img { height: 2rem; max-width: 10rem; width: auto; }
.who { margin: 0 0 0 auto; color: var(--quiet); max-width: 18rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.columns { display: grid; grid-template-columns: 14rem minmax(0, 44rem); gap: 2.5rem; max-width: 64rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
nav ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.125rem; position: sticky; top: 1.5rem; }
nav a { display: flex; align-items: center; min-height: 2.75rem; padding: 0.375rem 0.875rem; border-radius: 0.5rem; color: var(--quiet); text-decoration: none; font-weight: 500; }
nav a:hover { background: var(--raised); color: var(--text); }
nav a[aria-current] { background: var(--surface); color: var(--text); font-weight: 600; box-shadow: inset 0 0 0 1px var(--line); }
@media (max-width: 48rem) {
  header { padding: 0.5rem 1rem; }
  .columns { display: block; padding: 1rem 1rem 4rem; }
  nav { margin: 0 0 1.25rem; }
  nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem; position: static; }
}
@media (max-width: 30rem) { .who { display: none; } header form { margin-left: auto; } }

section, .alone main { background: var(--surface); border: 1px solid var(--line); border-radius: var(--round); box-shadow: var(--shadow); }
section { padding: 1.25rem 1.5rem; margin: 0 0 1.5rem; }
section > :last-child, form > :last-child, .passkey > :last-child, .alone main > :last-child { margin-bottom: 0; }
.alone header { justify-content: space-between; background: none; border: 0; max-width: 26rem; margin: 0 auto; padding: 2rem 0.5rem 0.75rem; }
.alone main { width: calc(100% - 2rem); max-width: 26rem; margin: 0 auto 3rem; padding: 1.75rem; }
.alone header:has(> :only-child) { justify-content: center; }
.alone button:not(.plain, header *), .alone .button { width: 100%; }
.alone main form { margin: 0 0 1rem; }
.alone h2 { margin-top: 1.5rem; }
@media (max-width: 30rem) { .alone main { padding: 1.25rem; } section { padding: 1rem; } }
.foot { border-top: 1px solid var(--line); padding-top: 1.25rem; margin: 1.5rem 0 0; text-align: center; color: var(--quiet); }
.aside { text-align: center; margin: 0.75rem 0 0; }
.or { display: flex; align-items: center; gap: 0.75rem; color: var(--quiet); margin: 0 0 1rem; }
.or::before, .or::after { content: ""; flex: 1; height: 1px; background: var(--line); }
.passkey { margin: 0 0 1rem; }

.captcha { margin: 0 0 1.125rem; }
.captcha > :first-child { min-height: 4.0625rem; margin: 0 0 0.5rem; }
.captcha .hint { margin: 0; font-size: 0.875rem; }
@media (max-width: 23.5rem) { .captcha > :first-child { zoom: 0.82; } }

section > .rows:last-child { list-style: none; margin: 1rem -1.5rem -1.25rem; padding: 0; }
h2.unseen + .rows:last-child { margin-top: -1.25rem; }
h2.unseen + .rows > li:first-child { border-top: 0; }
.rows > li { display: flex; flex-wrap: wrap; align-items: center; gap: 0.75rem 1.25rem; padding: 1rem 1.5rem; border-top: 1px solid var(--line); }
.what { flex: 1 1 16rem; min-width: 0; }
.what p { margin: 0.125rem 0 0; }
.acts { display: flex; flex-wrap: wrap; gap: 0.625rem; margin: 0; }
.acts + p { margin-top: 1rem; }
.badge { display: inline-block; padding: 0.0625rem 0.625rem; border-radius: 1rem; font-size: 0.8125rem; font-weight: 600; line-height: 1.5; vertical-align: middle; color: var(--quiet); background: var(--raised); }
.badge.warn { color: var(--warn); background: var(--warn-ground); }
.badge.good { color: var(--done); background: var(--done-ground); }
.safety.poor, .safety.fair { border-left: 4px solid var(--warn); }
.safety.good { border-left: 4px solid var(--done); }
@media (max-width: 30rem) { section > .rows:last-child { margin: 1rem -1rem -1rem; } h2.unseen + .rows:last-child { margin-top: -1rem; } .rows > li { padding: 1rem; } }

.field { margin: 0 0 1.125rem; border: 0; padding: 0; min-width: 0; }
label, legend { display: block; font-weight: 600; margin-bottom: 0.25rem; padding: 0; }
.optional { font-weight: 400; color: var(--quiet); }
.field .hint { margin: 0 0 0.5rem; }
input, select { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--field-line); border-radius: 0.5rem; }
input[type="hidden"], .brief { display: none; }
input[aria-invalid="true"] { border: 2px solid var(--danger); }
.choice { display: flex; align-items: center; gap: 0.75rem; min-height: 2.75rem; margin: 0 0 0.375rem; font-weight: 400; cursor: pointer; }
.choice input { flex: none; width: 1.25rem; min-height: 1.25rem; height: 1.25rem; margin: 0; accent-color: var(--accent); }
.choice code { color: var(--quiet); }
.secret-field { position: relative; display: flex; gap: 0.5rem; }
.secret-field input { flex: 1; min-width: 0; }
form:not(:has(option[value="date"]:checked)) .chosen-day { display: none; }
form:not(:has([name=remember]:checked)) ~ .kept { display: none; }
form:not(:has([name=remember]:checked)) ~ .brief { display: block; }

button, .button { display: inline-flex; align-items: center; justify-content: center; min-height: 2.75rem; min-width: 2.75rem; padding: 0.5rem 1.125rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 0.5rem; }
button:hover, .button:hover { filter: brightness(1.06); }
button.quiet, .button.quiet, button.plain { color: var(--text); background: var(--surface); border-color: var(--line); }
button.quiet:hover, .button.quiet:hover, button.plain:hover { background: var(--raised); filter: none; }
.marked { gap: 0.625rem; color: #1f1f1f; background: #fff; border-color: #747775; }
.marked img { height: 1.25rem; }
button.danger, .button.danger { color: var(--danger); background: var(--surface); border-color: var(--danger); }
button.danger:hover, .button.danger:hover { background: var(--danger-ground); filter: none; }
button.plain { padding: 0.5rem 0.875rem; font-weight: 500; }
button:disabled { opacity: 0.6; cursor: default; }

.error, .done, .notice, [role="status"], p[role="alert"] { border-radius: 0.5rem; padding: 0.625rem 0.875rem; margin: 0 0 1rem; }
.error, p[role="alert"] { color: var(--danger); background: var(--danger-ground); }
.field .error { margin: 0.5rem 0 0; }
.notice { color: var(--warn); background: var(--warn-ground); }
.done, [role="status"] { color: var(--done); background: var(--done-ground); }
.alone [role="status"]:not(.done) { color: var(--text); background: var(--raised); }
summary { display: inline-block; min-height: 2.75rem; padding: 0.625rem 0; color: var(--link); cursor: pointer; }
details { margin: 0 0 1rem; }

.qr { display: block; width: 15rem; max-width: 100%; height: auto; margin: 0 auto 1rem; border: 1px solid var(--line); border-radius: 0.5rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: 0.9375em; }
.secret { font-size: 1.0625rem; user-select: all; }
#token { display: block; padding: 0.875rem 1rem; background: var(--raised); border-radius: 0.5rem; word-break: break-all; }
.codes { columns: 10rem; padding: 0.875rem 1rem 0.875rem 2.75rem; margin: 0 0 1rem; background: var(--raised); border-radius: 0.5rem; }
.codes li { min-height: 2rem; }
dl { margin: 0 0 1rem; }
dt { font-weight: 600; }
dd { margin: 0; }
@media print { header, nav, button, .button { display: none; } }
`;
