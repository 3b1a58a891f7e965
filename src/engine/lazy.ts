/**
 * An object with the members of `base` and further ones, which are made together when one of them is first read. A failure is
 * not cached: every read throws it again.
 *
 * Options are checked this way: making an application reads nothing, and its first use reports what is missing.
 */
export function withLazy<Base extends object, More extends object>(base: Base, make: () => More): Base & More {
  let made: More | undefined;
  const further = (): More => {
    made ??= make();
    return made;
  };
  return new Proxy(base as Base & More, {
    has: (_base, name) => name in base || name in further(),
    get: (_base, name) => (name in base ? Reflect.get(base, name) : Reflect.get(further(), name)),
  });
}

/** Reads at once, so that later changes of an option have no effect, and throws only when the result is used. */
export function attempt<Value>(read: () => Value): () => Value {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
