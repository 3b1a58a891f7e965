import type { MailLanguage, MailText } from "../mail-text.ts";

const lifetime = "The link works once, for an hour.";
const nothingToDo = "If this was you, you do not need to do anything.";
const askForHelp = "If you did not expect this, ask an administrator of {site} for help.";

/** A notice. Its link is for a reader who did not do it. */
function notice(subject: string, what: string = `${subject}.`): MailText {
  return {
    subject: `${subject} – {site}`,
    paragraphs: [`${what} This is about your account {address} at {site}.`, "{circumstances}", nothingToDo],
    action: "This was not me",
    note: "The link lets you lock the account and choose a new password. It works once, for seven days.",
  };
}

/** A notice of what others did to a membership. It has no link. */
function ofMembership(subject: string, what: string, ...more: readonly string[]): MailText {
  return {
    subject: `${subject} – {site}`,
    paragraphs: [what, "Organization: {organization}", ...more, askForHelp],
  };
}

/** English, the language of messages unless an application gives others. */
export const englishMail: MailLanguage = {
  tag: "en",
  locale: "en-GB",
  phrases: {
    code: "Or enter this code where you asked for this message, within ten minutes of asking:",
    link: "Or open this address:",
    when: "When: {time} UTC.",
    device: "Device: {device}.",
    ip: "Network address: {ip}.",
    browserAndSystem: "{browser} on {system}",
    unknownDevice: "Unknown device",
    unnamedOrganization: "an organization without a name",
    "role.owner": "owner",
    "role.admin": "admin",
    "role.member": "member",
    "role.editor": "editor",
    "role.viewer": "viewer",
    "role.guest": "guest",
  },
  texts: {
    verify_identifier: {
      subject: "Confirm your email address for {site}",
      paragraphs: ["Someone, hopefully you, has an account at {site} with the address {address}."],
      action: "Confirm this address",
      note: "The link works once, for 24 hours. If this was not you, ignore this message.",
    },
    reset_password: {
      subject: "Choose a new password for {site}",
      paragraphs: ["Someone, hopefully you, wants to choose a new password for the account {address} at {site}."],
      action: "Choose a new password",
      note: `${lifetime} If this was not you, ignore this message. Your password stays the same.`,
    },
    sign_in: {
      subject: "Sign in to {site}",
      paragraphs: ["Someone, hopefully you, wants to sign in to the account {address} at {site}."],
      action: "Sign in",
      note: `${lifetime} If this was not you, ignore this message, and keep the code to yourself.`,
    },
    sign_up: {
      subject: "Finish your account at {site}",
      paragraphs: ["Someone, hopefully you, wants to create an account at {site} with the address {address}."],
      action: "Finish your account",
      note: `${lifetime} If this was not you, ignore this message. No account is created.`,
    },
    sign_up_taken: {
      subject: "You already have an account at {site}",
      paragraphs: [
        "Someone, hopefully you, wanted to create an account at {site} with the address {address}. You already have one.",
        "Sign in to your account. If you have forgotten your password, the sign-in page lets you choose a new one.",
      ],
      action: "Sign in",
      note: "If this was not you, ignore this message. Nothing has changed.",
    },
    organization_invitation: {
      subject: "You are invited at {site}",
      paragraphs: [
        "A member of an organization at {site} invites {address} to join: {organization}.",
        "If you have an account with this address, sign in with it. If not, you can create one.",
      ],
      action: "See the invitation",
      note: "If you do not know the organization, ignore this message.",
    },
    invitation: {
      subject: "You are invited to {site}",
      paragraphs: ["An administrator of {site} has invited you to create an account with the address {address}."],
      action: "Create your account",
      note: "The link works once, until the invitation expires. If you did not expect it, ignore this message. No account is created.",
    },
    change_identifier: {
      subject: "Confirm your new email address for {site}",
      paragraphs: ["Someone, hopefully you, wants to use the address {address} for an account at {site}."],
      action: "Use this address",
      note: `${lifetime} Both work only where you are signed in. If this was not you, ignore this message, and keep the code to yourself.`,
    },
    change_identifier_taken: {
      subject: "Someone entered your address at {site}",
      paragraphs: [
        "Someone wanted to use the address {address} for an account at {site}. Your account already has it.",
        "If this was you, sign in to the account that has the address.",
      ],
      action: "Sign in",
      note: "If this was not you, ignore this message. Nothing has changed.",
    },
    address_replaced: {
      subject: "Your email address was changed – {site}",
      paragraphs: [
        "Your account at {site} has a new address. It no longer uses {address}.",
        "{circumstances}",
        nothingToDo,
      ],
      action: "Put this address back",
      note: "The link puts the address back, locks the account and lets you choose a new password. It works once, for 72 hours.",
    },
    address_restored: {
      subject: "Your email address was changed back – {site}",
      paragraphs: [
        "The address {address} is no longer used for your account at {site}. Someone with access to the previous address put that address back.",
        "{circumstances}",
        askForHelp,
      ],
    },
    recovery_started: {
      subject: "Your account at {site} is about to get a new address",
      paragraphs: [
        "Someone reported that you have lost access to your account. An administrator of {site} entered a new address for it. When the recovery is finished, the account no longer uses {address}.",
        "{circumstances}",
        "If you asked for this, you do not need to do anything.",
      ],
      action: "Stop the recovery",
      note: "The link works until the recovery is finished.",
    },
    recover_account: {
      subject: "Recover your account at {site}",
      paragraphs: [
        "An administrator of {site} entered {address} as the new address of your account. Choose a new password.",
        "Everything else in the account then stops working: sessions, passkeys, second factors, access tokens and old addresses.",
      ],
      action: "Choose a new password",
      note: "The link works once, for three days. If you did not expect this, ignore this message.",
    },
    recovery_finished: {
      subject: "Your account at {site} has a new address",
      paragraphs: [
        "The address {address} is no longer used for your account at {site}. An administrator has given the account a new address.",
        "{circumstances}",
        askForHelp,
      ],
    },
    password_changed: notice("Your password was changed"),
    password_reset: notice("Your password was reset", "Your password was reset with a link that we mailed."),
    password_added: notice("A password was added", "A password for another address or name was added."),
    credential_ended: notice("A way to sign in was removed"),
    passkey_added: notice("A passkey was added"),
    identity_linked: notice(
      "A way to sign in was linked",
      "An account at another site can now sign in to your account.",
    ),
    factor_added: notice("A second factor was added"),
    factor_removed: notice("A second factor was removed"),
    recovery_codes_made: notice("New recovery codes were created"),
    enrollment_permitted: notice(
      "A second factor may be set up",
      "An administrator allowed a second factor to be set up.",
    ),
    token_made: notice("A personal access token was created"),
    token_reused: notice("A session was ended", "Someone may have copied one of your sessions, so we ended it."),
    administrator_granted: notice("You are now an administrator", "Your account now has administrator rights."),
    address_verified: notice("An address was confirmed", "Another address was confirmed."),
    address_changed: notice("Your email address was changed", "An email address of your account was changed."),
    accounts_merged: notice(
      "Two accounts were merged",
      "Two accounts were merged: each way to sign in to either of them now opens the same account.",
    ),
    membership_given: ofMembership(
      "You have a new role in an organization",
      "Your account {address} at {site} has a new role in an organization.",
      "Role: {role}",
    ),
    membership_suspended: ofMembership(
      "Your membership in an organization was suspended",
      "The membership of your account {address} at {site} in an organization was suspended. You have no access there until it is reinstated.",
    ),
    membership_ended: ofMembership(
      "You were removed from an organization",
      "Your account {address} at {site} is no longer a member of an organization.",
    ),
    account_closed: {
      subject: "Your account at {site} was closed",
      paragraphs: ["Your account {address} at {site} was closed for good.", "{circumstances}", askForHelp],
    },
    new_device: notice("A new device signed in", "Someone signed in on a device that we have not seen before."),
  },
};
