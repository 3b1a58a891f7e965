/**
 * The states in which each page is examined, by its path. `test/pages/examined.test.ts` fails if a page of the routes has no state,
 * or if no browser test examines a state that stands here. `examinePage` fails if a state is shown at another path.
 *
 * @module
 */
import { nextPaths } from "../../src/domain/page-paths.ts";

/** The pages of a user that need nothing in their address. */
export const userPages: readonly string[] = nextPaths.filter((path) => path !== "/verify");

/** Those of them that lead on at once, or say that there is nothing, for a user without what they are about. */
const needing = ["/account/identities/new", "/account/identities/link", "/account/step-up/continue", "/account/review"];

/** What a page of {@link userPages} is called, for a new user and for one with every kind of content. */
export const nameOf = (kind: "new" | "full", path: string): string => `${kind}${path.replaceAll("/", "-")}`;

const others: Readonly<Record<string, readonly string[]>> = {
  "/sign-in": ["sign-in", "sign-in-refused"],
  "/sign-up": ["sign-up", "sign-up-refused"],
  "/sign-up/finish": ["mail-sign-up-finish"],
  "/invitation": ["invitation", "invitation-dead"],
  "/join": ["join", "join-revoked"],
  "/verify": ["mail-verify", "mail-verify-stranger", "mail-verify-refused", "mail-verify-done", "mail-verify-dead"],
  "/forgot": ["mail-forgot"],
  "/reset": ["mail-reset", "mail-reset-done", "mail-dead-link"],
  "/sign-in/link": ["mail-link-sign-in", "mail-link-elsewhere"],
  "/sign-in/organization": ["organization"],
  "/check-mail": ["mail-sign-up-sent", "mail-code-refused"],
  "/not-me": ["mail-not-me", "mail-not-me-code", "mail-not-me-code-refused", "mail-not-me-done"],
  "/address": ["mail-address-confirm"],
  "/address/back": ["mail-address-back", "mail-address-back-code", "mail-address-back-done"],
  "/recover": ["recover", "recover-done", "recover-dead"],
  "/recover/stop": ["mail-recover-stop", "mail-recover-stopped"],
  "/sign-in/second-factor": ["second-factor", "second-factor-refused"],
  "/sign-in/enroll": ["enroll", "enroll-authenticator"],
  "/sign-in/identity": ["providers-asked"],
  "/account/review": ["full-account-review"],
  "/account/password/remove": ["password-remove", "password-remove-refused"],
  "/account/passkeys/rename": ["passkey-rename"],
  "/account/passkeys/remove": ["passkey-remove"],
  "/account/authenticator/remove": ["asks-security"],
  "/account/security-keys/remove": ["security-key-remove"],
  "/account/identities/link": ["providers-link"],
  "/account/identities/new": ["providers-choose"],
  "/account/identities/remove": ["providers-unlink"],
  "/account/tokens/revoke": ["asks-tokens"],
  "/account/organizations/members": ["organization-alone", "members"],
  "/account/organizations/member": ["member"],
  "/account/organizations/member/role": ["member-role"],
  "/account/organizations/member/transfer": ["member-transfer", "ownership-proof"],
  "/account/organizations/member/leave": ["member-leave"],
  "/account/organizations/member/suspend": ["member-suspend"],
  "/account/organizations/member/reinstate": ["member-reinstate"],
  "/account/organizations/member/remove": ["member-remove"],
  "/account/organizations/rename": ["organization-rename"],
  "/account/organizations/leave": ["organization-leave-refused"],
  "/account/organizations/end": ["organization-end"],
  "/account/organizations/invitations": ["organization-invitations-none", "organization-invitations"],
  "/account/organizations/invite": ["organization-invite", "organization-invited"],
  "/account/organizations/invitations/revoke": ["organization-invitation-revoke"],
  "/account/invitations/revoke": ["invitation-revoke"],
  "/account/step-up": ["step-up-password"],
  "/account/step-up/continue": ["providers-step-up-continue"],
};

/** The names of the states of each page, by its path below the base path. */
export const examinedStates: ReadonlyMap<string, readonly string[]> = new Map(
  [...new Set([...Object.keys(others), ...userPages])].map((path) => {
    const isOwn = userPages.includes(path) && !needing.includes(path);
    return [path, [...(others[path] ?? []), ...(isOwn ? [nameOf("new", path), nameOf("full", path)] : [])]];
  }),
);

/** Pages that are never shown, because they always lead on. */
export const neverShown: readonly string[] = ["/"];

/** The path at which a state must be shown, if it stands here. */
export function pathOfState(name: string): string | undefined {
  return [...examinedStates].find(([, names]) => names.includes(name))?.[0];
}
