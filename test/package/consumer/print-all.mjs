import { useServers } from "./servers.mjs";

console.log(JSON.stringify(await useServers()));
