/**
 * Wraps `fetch` for the pages of a browser: a request that was sent with a cookie that another tab has just replaced is sent once
 * more.
 *
 * After a refresh the old cookie is refused at once with 401 `unauthorized.session_expired`, and the request has done nothing. By
 * then the browser has the new cookie. For Hono's client: `hc<AuthApp<typeof auth>>(url, { fetch: acrossRotation() })`.
 *
 * @param send What sends a request. Default: the global `fetch`.
 * @returns A function with the parameters of `fetch`. A body that is a stream cannot be sent twice, so its refusal is returned.
 */
export function acrossRotation(
  send: typeof fetch = (input, init) => fetch(input, init),
): (input: RequestInfo | URL, init?: RequestInit) => Promise<Response> {
  return async (input, init) => {
    const again = input instanceof Request ? input.clone() : input;
    const response = await send(input, init);
    if (response.status !== 401 || init?.body instanceof ReadableStream) return response;
    // An application's own 401 need not be JSON.
    const refusal = (await response
      .clone()
      .json()
      .catch(() => null)) as { code?: unknown } | null;
    return refusal?.code === "unauthorized.session_expired" ? await send(again, init) : response;
  };
}
