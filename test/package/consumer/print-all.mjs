import { useAll } from "./all.mjs";

console.log(JSON.stringify(await useAll()));
