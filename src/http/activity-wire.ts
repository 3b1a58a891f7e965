/**
 * The events of an account as JSON.
 *
 * @module
 */
import { type ActivityEvent, activityEvent } from "../domain/activity.ts";
import { deviceLabel } from "../domain/device-label.ts";
import { toBody, type WireOf } from "../domain/record.ts";

/** An event of an account in a response. */
export interface ActivityEventBody extends Omit<WireOf<typeof activityEvent>, "user_agent"> {
  /** A name for the client, such as its browser and system. Null if an administrator or the application did it. */
  device: string | null;
}

export function activityEventBody(event: ActivityEvent): ActivityEventBody {
  const { user_agent: userAgent, ...body } = toBody(activityEvent, event);
  const isOfOthers = event.by === "administrator" || event.by === "application";
  return { ...body, device: isOfOthers ? null : deviceLabel(userAgent) };
}
