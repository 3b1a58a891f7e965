/**
 * Scopes: `resource:action` with dotted resources, as AuthPI writes them.
 *
 * `users:read` grants one action on one resource. `users:*` grants every action on `users` alone, and `users:**` every action on
 * `users` and on everything below it. `*:read` grants an action on every top-level resource, and `*:**` grants everything.
 *
 * @module
 */

/** A scope in its parts. */
export interface ParsedScope {
  readonly resource: string;
  readonly action: string;
}

const segment = "[A-Za-z0-9_-]+";
const literalAction = new RegExp(`^${segment}$`);
const literalResource = new RegExp(`^${segment}(?:\\.${segment})*$`);
const scopeForm = new RegExp(`^(\\*|${segment}(?:\\.${segment})*):(\\*\\*?|${segment})$`);

/**
 * The parts of a scope, such as `{ resource: "users.verifiers", action: "write" }`. `undefined` for any other text, such as
 * `openid`, `owner` or `users.*:read`: such a text grants nothing. Case counts, and nothing is trimmed.
 */
export function parseScope(scope: string): ParsedScope | undefined {
  const [, resource, action] = scopeForm.exec(scope) ?? [];
  return resource === undefined || action === undefined ? undefined : { resource, action };
}

/**
 * True if one of the scopes grants the action on the resource.
 *
 * The action and the resource must be literal. A request for `*` is refused, because its text can come from a client. The roles
 * `owner`, `admin` and `member` take no part: they are no scopes, and no wildcard implies them.
 */
export function hasAccess(scopes: readonly string[], action: string, resource: string): boolean {
  if (!literalAction.test(action) || !literalResource.test(resource)) return false;
  return scopes.some((scope) => {
    const parsed = parseScope(scope);
    return parsed !== undefined && grants(parsed, action, resource);
  });
}

function grants(granted: ParsedScope, action: string, resource: string): boolean {
  const isBelow = granted.action === "**";
  if (granted.action !== action && granted.action !== "*" && !isBelow) return false;
  if (granted.resource === resource) return true;
  if (granted.resource === "*") return isBelow || !resource.includes(".");
  return isBelow && resource.startsWith(`${granted.resource}.`);
}
