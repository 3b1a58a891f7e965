/** A new address of an account, the way back of the old one, and an account that is given to a new address. */
export const englishAddress = {
  "address.title": "Change your email address",
  "address.text": "We send a link to the new address. Your password stays the same.",
  "address.new": "New email address",
  "address.own": "This is your address already.",
  "address.taken": "Another account has this address by now, so nothing was changed.",
  "address.confirm": "Use your new address",
  "address.button": "Use this address",
  "address.ends": "You stay signed in here, and are signed out everywhere else.",
  "address.sign-in-first": "Sign in to your account with the address that it has now. Then you can use the new one.",
  "address.done": "Email address changed. You are signed out everywhere else.",
  "address.back.title": "Put this address back?",
  "address.back.text": "If you did not change the address of your account, put it back now:",
  "address.back.added": "Passkeys and second factors that were added since then are removed.",
  "address.back.button": "Put the address back",
  "address.back.factor":
    "Your account had a second factor. Enter a code from your authenticator app or a recovery code, or sign in on this device first.",
  "address.back.factor.note":
    "You never had one? Then look for an earlier message about a second factor or passkey that was added, and use its link.",

  "recover.note":
    "Everything else of the account ends: sessions, passkeys, second factors, access tokens and old addresses.",
  "recover.dead": "Ask the administrator to start again.",
  "recover.stop": "Stop the change of your account?",
  "recover.stop.text":
    "An administrator was told that you have lost your account, and has named a new address for it. If that is wrong, stop it.",
  "recover.stop.button": "Stop it",
  "recover.stop.note": "If you have asked for it, close this page.",
  "recover.stopped": "Your account stays as it is",
  "recover.stopped.text": "The new address does not get your account.",
} as const;
