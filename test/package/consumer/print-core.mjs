import { useCore } from "./core.mjs";

console.log(JSON.stringify(await useCore()));
