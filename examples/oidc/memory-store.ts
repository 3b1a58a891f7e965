/** A store for one process. It forgets begun sign-ins when the process ends: use Redis in its place. */
import type { Store } from "./app.ts";

export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    get: async (name) => values.get(name) ?? null,
    put: async (name, value) => values.set(name, value),
    delete: async (name) => values.delete(name),
  };
}
