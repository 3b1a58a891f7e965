/** True for the address of another service that this one may use: https, or http on loopback. */
export function isServiceUrl(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url));
}

/** True for this machine's own name and addresses. */
export function isLoopbackHost({ hostname }: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1])$/.test(hostname);
}
