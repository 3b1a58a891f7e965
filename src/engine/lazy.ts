/**
 * An object with the members of `base` and further ones, which are made together when one of them is first read. A failure is
 * not cached: every read throws it again.
 *
 * Options are checked this way: making an application reads nothing, and its first use reports what is missing.
 */
export function withLazy<Base extends object, More extends object>(
  base: Base,
  names: readonly (keyof More & string)[],
  make: () => More,
): Base & More {
  let made: More | undefined;
  const object = Object.create(base) as Base & More;
  for (const name of names) {
    const get = (): unknown => {
      made ??= make();
      return made[name];
    };
    Object.defineProperty(object, name, { get, enumerable: true });
  }
  return object;
}
