import { type FederationAuth, federation, type IdentityProvider, isDomainName } from "../src/http/federation.ts";
import { ConfigurationError, type Feature } from "../src/index.ts";
import { isProviderVariable, providerKinds, readVariable, variablesOf } from "./provider-kinds.ts";

/** The texts of a provider's variables, such as `CLIENT_ID`. */
type Texts = ReadonlyMap<string, string>;

const form = /^OIDC_([A-Z0-9]{1,24})_([A-Z_]+)$/;

/**
 * Signing in with the providers of the bindings `OIDC_<NAME>_<VARIABLE>`: an OpenID Connect issuer, or one of the known sites by
 * `OIDC_<NAME>_KIND`. One feature, whose operations are there only if there is a provider.
 *
 * The name alone chooses no kind: a variable `OIDC_GOOGLE_ISSUER` of today would become another provider, and a company may have
 * two tenants at Microsoft.
 *
 * @throws {ConfigurationError} Naming the binding that is missing or wrong.
 */
export function providersOf(bindings: object): readonly Feature<Partial<FederationAuth>>[] {
  const named = new Map<string, Map<string, string>>();
  for (const [binding, text] of Object.entries(bindings)) {
    const [, name, variable] = form.exec(binding) ?? [];
    if (typeof text !== "string" || text === "" || !name || !variable) continue;
    named.set(name, (named.get(name) ?? new Map()).set(variable, text));
  }
  // Other programs have variables of this form, too, and `npm start` gives all of them.
  const own = [...named]
    .filter(([, texts]) => [...texts.keys()].some(isProviderVariable))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (own.length === 0) return [withoutProviders];
  return [federation({ providers: own.map(([name, texts]) => providerOf(name, texts)), domains: domainsOf(own) })];
}

/** After the last provider was removed, the sessions that began there are refused. */
const withoutProviders: Feature<Partial<FederationAuth>> = {
  name: "without-providers",
  make: () => ({ operations: {} }),
  issuers: () => [],
};

function domainsOf(named: readonly (readonly [string, Texts])[]): Readonly<Record<string, string>> {
  const domains = new Map<string, string>();
  for (const [name, texts] of named) {
    for (const domain of (texts.get("DOMAINS") ?? "").split(",").flatMap((part) => part.trim() || [])) {
      if (!isDomainName(domain)) {
        refuse(
          name,
          "DOMAINS",
          "it must list domains in lower case, separated by commas, with xn-- for other letters.",
        );
      }
      if (domains.has(domain)) refuse(name, "DOMAINS", `${domain} is listed twice.`);
      domains.set(domain, name.toLowerCase());
    }
  }
  return Object.fromEntries(domains);
}

function refuse(name: string, variable: string, message: string): never {
  throw new ConfigurationError(`OIDC_${name}_${variable}`, new TypeError(message));
}

function providerOf(name: string, texts: Texts): IdentityProvider {
  // The path of a route has it in the place of a name.
  if (name === "DISCOVER") refuse(name, [...texts.keys()][0]!, "a provider must have another name.");
  const kindName = texts.get("KIND") ?? "oidc";
  const kind = providerKinds.get(kindName);
  if (!kind) refuse(name, "KIND", `it must be one of ${[...providerKinds.keys()].join(", ")}.`);
  for (const variable of Object.keys(kind.needs)) if (!texts.has(variable)) refuse(name, variable, "it is missing.");
  const known = variablesOf(kind);
  // A label of its own says which site it is.
  const options: Record<string, unknown> = { name: name.toLowerCase(), ...(kindName === "oidc" && { label: name }) };
  let reading = "KIND";
  try {
    for (const [variable, text] of texts) {
      reading = variable;
      // It may be misspelled, and be the one that keeps strangers out.
      if (!known.has(variable)) throw new TypeError(`it is not a variable of the kind ${kindName}.`);
      const option = known.get(variable);
      if (option !== undefined) options[option] = readVariable(option, text);
    }
    reading = "KIND";
    return kind.make(options as never);
  } catch (error) {
    const { option } = error as { option?: unknown };
    const [variable = reading] = [...known].find((entry) => option !== undefined && entry[1] === option) ?? [];
    throw new ConfigurationError(`OIDC_${name}_${variable}`, error);
  }
}
