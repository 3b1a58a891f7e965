import { AuthError } from "../domain/error.ts";

/**
 * Rejects if the work takes longer than the limit. Work that has begun happens once or never, so the client can repeat the request.
 *
 * @throws {AuthError} `unavailable.database`.
 */
export async function inTime<Result>(work: Promise<Result>, milliseconds: number): Promise<Result> {
  let refuse = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    refuse = () => reject(new AuthError("unavailable.database", { retryAfterSeconds: 1 }));
  });
  const timer = setTimeout(() => refuse(), milliseconds);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
