import { ResolverError, type TxtResolver } from "../../src/dns/index.ts";

/** What a resolver does with a name: its records, an outage, or something else that happens while it is asked. */
type Answer = readonly string[] | "outage" | (() => Promise<readonly string[]>);

const zone = new Map<string, Answer>();

/** A resolver of the records that tests have published. Each test has domains of its own, so nothing is reset. */
export const practiceResolver: TxtResolver = async (name) => {
  const answer = zone.get(name) ?? [];
  if (answer === "outage") throw new ResolverError("TIMEOUT");
  return typeof answer === "function" ? await answer() : answer;
};

/** Publishes what the resolver answers for a name. */
export function publish(name: string, answer: Answer): void {
  zone.set(name, answer);
}
