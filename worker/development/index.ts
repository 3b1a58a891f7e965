/** The server that `npm start` runs. Anyone can sign up, and learns whether an identifier is taken. */
import { createServer } from "../server.ts";

export default createServer({ signUp: () => "open" });
