import { useAll } from "./all.mjs";

export default {
  async fetch() {
    return Response.json(await useAll());
  },
};
