/** Verifies the decoy: `/hash` once, `/hashes?n=…` one after the other, `/together?n=…` all at once. */
import { argon2id, decoyHash, HashQueueFullError } from "sallyport/argon2id";

const hasher = argon2id();

export default {
  async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const count = Number(url.searchParams.get("n") ?? 1);
    if (url.pathname === "/hashes") {
      for (let index = 0; index < count; index++) await hasher.verify(decoyHash, "wrong");
    } else if (url.pathname === "/hash") {
      try {
        await hasher.verify(decoyHash, "wrong");
      } catch (error) {
        if (error instanceof HashQueueFullError) return new Response("busy", { status: 503 });
        throw error;
      }
    }
    return new Response("done");
  },
};
