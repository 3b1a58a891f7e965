import { type FullAuth, freshAddress, type Person, type World } from "../../support/auth.ts";
import { addApp, ticketFor } from "../../support/factors.ts";

/** The allowed cost of an operation. */
export interface Budget {
  operation: string;
  /** A `run` and a `batch` are one request each. */
  requests: number;
  prepare?: (world: World, person: Person) => Promise<unknown>;
  act: (auth: FullAuth, person: Person, prepared: never) => Promise<unknown>;
}

export const token = "token" as const;
export const context = () => ({ address: freshAddress() });
/** A user with an authenticator app, a login ticket, and an unused code. */
export const withApp = async (world: World, one: Person) => {
  const { app, person } = await addApp(world, one);
  return {
    app,
    person,
    ticket: await ticketFor(world, person),
    proof: { type: "totp", code: await app.code() } as const,
  };
};
/** The ticket of a user who must enroll a factor. */
export const withEnrollmentTicket = async (world: World, person: Person) => {
  await world.requireFactor(person.userId);
  return await ticketFor(world, person);
};
