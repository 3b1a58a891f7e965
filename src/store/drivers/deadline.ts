import { databaseError } from "./database-error.ts";
import { machineTime } from "./patience.ts";
import { pastDeadline } from "./unreachable.ts";

/** The end of a request's time. */
export interface Deadline {
  /** How long the request may take. */
  readonly milliseconds: number;
  /** By {@link machineTime}. */
  readonly endsAt: number;
  readonly hasPassed: boolean;
  /** Ends the connection that the request holds. */
  onPassed: () => void;
  /** True once anything was sent: from then on, the outcome of a request that is late is unknown. */
  hasSent: boolean;
}

/** Fails when the time is up, whatever the request does. The request's own failure is converted. */
export async function withDeadline<Result>(
  milliseconds: number,
  request: (deadline: Deadline) => Promise<Result>,
): Promise<Result> {
  let hasPassed = false;
  const deadline: Deadline = {
    milliseconds,
    endsAt: machineTime() + milliseconds,
    get hasPassed() {
      return hasPassed;
    },
    onPassed: () => {},
    hasSent: false,
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      hasPassed = true;
      reject(pastDeadline(milliseconds, !deadline.hasSent));
      deadline.onPassed();
    }, milliseconds);
  });
  try {
    return await Promise.race([request(deadline), expired]);
  } catch (error) {
    throw databaseError(error, "no usable connection");
  } finally {
    clearTimeout(timer);
  }
}
