/** Loaded before the first script. An older Node would print a stack instead: it cannot read `.ts` files. */
if (!process.features.typescript) {
  // biome-ignore lint/suspicious/noConsole: a script may print.
  console.error(
    `Node ${process.versions.node} cannot run this project's scripts. Use Node 22.18 or later, or Node 20 on Linux after \`npm ci\`, which brings a newer one along.`,
  );
  process.exit(1);
}
