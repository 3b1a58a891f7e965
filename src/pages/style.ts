/** The pages' one style sheet, served as it is. */
export const style = `:root {
  color-scheme: light dark;
  --text: #1b2230;
  --quiet: #4b5565;
  --ground: #f3f5f8;
  --surface: #ffffff;
  --line: #c5ccd8;
  --field-line: #6b7688;
  --accent: #1d4ed8;
  --on-accent: #ffffff;
  --danger: #b3261e;
  --danger-ground: #fdeceb;
  --done: #17663a;
  --done-ground: #e6f4ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e8ecf3;
    --quiet: #aab4c5;
    --ground: #12161e;
    --surface: #1b212c;
    --line: #3a4456;
    --field-line: #8794aa;
    --accent: #8ab4ff;
    --on-accent: #0c1a36;
    --danger: #ffb4ab;
    --danger-ground: #3b1d1b;
    --done: #8fdcae;
    --done-ground: #16301f;
  }
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font: 100%/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); overflow-wrap: anywhere; }
header, main { width: 100%; max-width: 40rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; align-items: center; justify-content: space-between; gap: 1rem; min-height: 4rem; }
main { padding-bottom: 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 1rem 0; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 1rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0 0 1rem; }
a { color: var(--accent); }
.brand { display: inline-flex; align-items: center; min-height: 2.75rem; color: var(--text); font-weight: 700; text-decoration: none; }
section, main > form, .passkey:has(form:not([hidden])) {
  background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem; padding: 1.25rem; margin: 0 0 1.25rem;
}
section .passkey:has(form:not([hidden])) { background: none; border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 1.25rem 0 0; margin: 1.25rem 0 0; }
section > :last-child, .passkey > :last-child, form > :last-child { margin-bottom: 0; }
form + form { margin-top: 1rem; }
.field { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin-bottom: 0.25rem; }
.optional { font-weight: 400; color: var(--quiet); }
.hint { color: var(--quiet); margin: 0 0 0.5rem; }
input {
  width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit;
  background: var(--surface); border: 1px solid var(--field-line); border-radius: 0.375rem;
}
input[type="hidden"] { display: none; }
input[aria-invalid="true"] { border: 2px solid var(--danger); }
button, .button {
  display: inline-flex; align-items: center; justify-content: center; min-height: 2.75rem; padding: 0.5rem 1.25rem;
  font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
  color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 0.375rem;
}
button.quiet { color: var(--accent); background: none; }
button.danger { color: var(--danger); background: none; border-color: var(--danger); }
button:disabled { opacity: 0.6; cursor: default; }
header button.quiet { color: var(--text); border-color: var(--field-line); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.error { color: var(--danger); background: var(--danger-ground); border-left: 4px solid var(--danger); padding: 0.5rem 0.75rem; margin: 0.5rem 0 1rem; }
.done { color: var(--done); background: var(--done-ground); border-left: 4px solid var(--done); padding: 0.5rem 0.75rem; }
details { margin: 0 0 1.25rem; }
summary { display: inline-block; min-height: 2.75rem; padding: 0.625rem 0; color: var(--accent); cursor: pointer; text-decoration: underline; }
details form { background: var(--surface); border: 1px solid var(--line); border-radius: 0.5rem; padding: 1.25rem; }
.list { list-style: none; margin: 0 0 1.25rem; padding: 0; }
.list:empty { display: none; }
.list > li { padding: 1rem 0; border-top: 1px solid var(--line); }
.list > li:last-child { padding-bottom: 0; }
.list + form { border-top: 1px solid var(--line); padding-top: 1.25rem; }
.line { display: flex; flex-wrap: wrap; align-items: end; gap: 0.75rem; margin-bottom: 0.75rem; }
.line .field { flex: 1 1 14rem; margin: 0; }
.mark { font-weight: 600; color: var(--done); }
.mark::before { content: " –"; }
.qr { display: block; width: 15rem; max-width: 100%; height: auto; margin: 0 0 1rem; border: 1px solid var(--line); border-radius: 0.375rem; }
code { font-family: ui-monospace, monospace; }
.secret { font-size: 1.0625rem; user-select: all; }
#token { word-break: break-all; }
.codes { columns: 12rem; padding-left: 2rem; }
.codes li { min-height: 2rem; }
dl { margin: 0 0 1rem; }
dt { font-weight: 600; }
dd { margin: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
