import { randomBytes, toBase64Url } from "../crypto/bytes.ts";
import type { Command } from "./command.ts";

/** `sallyport secret`: prints a new root secret or sealing key. */
export const secretCommand: Command = {
  summary: "Print a new key for SALLYPORT_SECRET or SALLYPORT_SEALING_KEYS. Each needs its own.",
  usage: "",
  options: {},
  async run() {
    console.log(toBase64Url(randomBytes(32)));
  },
};
