/** True for the address of another service that this one may use: https, or http on loopback. */
export function isServiceUrl({ protocol, hostname }: URL): boolean {
  const isLoopback = /^(localhost|127(\.\d{1,3}){3}|\[::1])$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isLoopback);
}
