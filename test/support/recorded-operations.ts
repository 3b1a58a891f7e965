/** The operations of an `auth` by their names, and which of them are called. */

type Member = unknown;

const isNamespace = (value: Member): value is Record<string, Member> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The name of each operation, such as `users.get` or `changePassword`. */
export function operationNames(auth: object): string[] {
  return Object.entries(auth).flatMap(([name, member]: [string, Member]) => {
    if (typeof member === "function") return [name];
    return isNamespace(member) ? operationNames(member).map((inner) => `${name}.${inner}`) : [];
  });
}

/** The same `auth`, which notes the name of each operation that is called or planned. */
export function recorded<Auth extends object>(auth: Auth, called: Set<string>, prefix = ""): Auth {
  return new Proxy(auth, {
    get(target, key, receiver) {
      const member: Member = Reflect.get(target, key, receiver);
      const name = `${prefix}${String(key)}`;
      if (typeof key === "symbol") return member;
      if (typeof member === "function") {
        return new Proxy(member, {
          apply(operation, self, args) {
            called.add(name);
            return Reflect.apply(operation, self, args);
          },
          get(operation, property) {
            if (property === "plan") called.add(name);
            return Reflect.get(operation, property);
          },
        });
      }
      return isNamespace(member) ? recorded(member, called, `${name}.`) : member;
    },
  });
}
