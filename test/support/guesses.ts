import type { FullAuth as Auth } from "./auth.ts";
import { freshAddress, otherPassword, outcome, type Person, type World } from "./auth.ts";

/** One attempt to sign in. */
export interface Guess {
  identifier: string;
  /** Default: a wrong password. */
  password?: string;
  /** Default: an address that nothing else uses. */
  address?: string | undefined;
  knownDevice?: string;
  auth?: Auth;
}

/** The right password from an unknown device. */
export const rightGuess = ({ identifier, password }: Person): Guess => ({ identifier, password });

/** Tries to sign in, and returns the code of the refusal or `"done"`. */
export function attempt(
  world: World,
  { identifier, password = otherPassword, knownDevice, auth = world.auth, ...rest }: Guess,
) {
  const address = "address" in rest ? rest.address : freshAddress();
  return outcome(
    auth.signIn.password({ identifier, password, ...(knownDevice ? { knownDevice } : {}), context: { address } }),
  );
}

export async function repeat(times: number, act: () => Promise<string>): Promise<string[]> {
  const codes: string[] = [];
  for (let time = 0; time < times; time++) codes.push(await act());
  return codes;
}
