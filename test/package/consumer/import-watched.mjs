// Imports the entries that it is given, and prints what that did beside defining things.
const done = [];

/** The properties of the global object, of every built-in and of its prototype. */
const snapshot = () => {
  const builtIns = Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Z]/.test(name));
  const holders = builtIns.flatMap((name) => [
    [name, globalThis[name]],
    [`${name}.prototype`, globalThis[name]?.prototype],
  ]);
  return [["globalThis", globalThis], ...holders]
    .filter(([, holder]) => (typeof holder === "object" || typeof holder === "function") && holder !== null)
    .map(([label, holder]) => ({ label, holder, properties: Object.getOwnPropertyDescriptors(holder) }));
};

// Node loads some of its globals when they are first looked at.
snapshot();

const watch = (holder, name, label) => {
  const original = holder[name];
  holder[name] = function watched(...args) {
    done.push(label);
    return new.target ? Reflect.construct(original, args) : Reflect.apply(original, this, args);
  };
};

for (const name of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"])
  watch(globalThis, name, name);
for (const name of ["log", "info", "warn", "error", "debug"]) watch(console, name, `console.${name}`);
for (const name of ["getRandomValues", "randomUUID"]) watch(crypto, name, `crypto.${name}`);
for (const name of Object.getOwnPropertyNames(SubtleCrypto.prototype)) {
  if (name !== "constructor") watch(crypto.subtle, name, `crypto.subtle.${name}`);
}
for (const name of ["Module", "Instance", "compile", "instantiate"]) watch(WebAssembly, name, `WebAssembly.${name}`);
watch(Math, "random", "Math.random");
watch(Date, "now", "Date.now");

const before = snapshot();
for (const entry of process.argv.slice(2)) await import(entry);

for (const { label, holder, properties } of before) {
  const now = Object.getOwnPropertyDescriptors(holder);
  for (const name of new Set([...Reflect.ownKeys(properties), ...Reflect.ownKeys(now)])) {
    const isSame = ["value", "get", "set"].every((field) => Object.is(properties[name]?.[field], now[name]?.[field]));
    if (!isSame) done.push(`changed ${label}.${String(name)}`);
  }
}
process.stdout.write(JSON.stringify(done));
