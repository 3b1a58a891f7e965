/** For workerd itself: makes the attempts of a request. @module */
import { httpAttempts } from "./http.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === "GET") return new Response("ready");
    return Response.json(await httpAttempts(await request.json()));
  },
};
