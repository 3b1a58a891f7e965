/**
 * An administrator's invitation to the deployment: it lets one new user make an account where strangers may not. It is none of
 * Flametrench's invitations, which are to an organization and begin with `inv_`.
 *
 * @module
 */
import type { ValueOf } from "./record.ts";

/** An invitation to make an account, without its secrets. */
export const deploymentInvitation = {
  id: "join id",
  /** The address or name that the account will have. */
  identifier: "text",
  /** The name that the account gets if its user gives none. */
  displayName: "text?",
  status: ["pending", "expired", "accepted", "revoked"],
  /** True if a message with a link of its own was owed to the address. */
  mailed: "flag",
  /** The administrator who made it, or last renewed it; null for the application. It counts only while they are one. */
  invitedBy: "usr id?",
  /** The user who accepted it. */
  userId: "usr id?",
  createdAt: "time",
  expiresAt: "time",
  endedAt: "time?",
} as const;

/** An invitation to make an account, without its secrets. */
export interface DeploymentInvitation extends ValueOf<typeof deploymentInvitation> {}

/** The shortest and the longest lifetime of an invitation, and the default one, in seconds. */
export const shortestInvitationSeconds = 60;
export const longestInvitationSeconds: number = 30 * 86_400;
export const defaultInvitationSeconds: number = 7 * 86_400;
