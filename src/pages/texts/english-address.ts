/** A new address of an account, and the ways back: the old address, another address that is given to it, a new password. */
export const englishAddress = {
  "address.title": "Change your email address",
  "address.text": "We send a link to the new address. Your password stays the same.",
  "address.new": "New email address",
  "address.own": "This is already your address.",
  "address.taken": "Another account now has this address, so nothing was changed.",
  "address.confirm": "Use your new address",
  "address.to": "Your new address: {address}",
  "address.button": "Use this address",
  "address.ends": "You stay signed in here, and are signed out everywhere else.",
  "address.sign-in-first": "Sign in with the current address of your account. Then you can use the new one.",
  "address.done": "Email address changed. You are signed out everywhere else.",
  "address.back.title": "Put this address back?",
  "address.back.text":
    "If you did not change the address of your account, put the old one back now. This is what happens:",
  "address.back.added": "Passkeys and second factors that were added since then are removed.",
  "address.back.button": "Put the address back",
  "address.back.factor":
    "Your account had a second factor. Enter a code from your authenticator app or a recovery code, or sign in on this device first.",
  "address.back.factor.note":
    "Never had a second factor? Look for an earlier message about a new second factor or passkey, and use its link.",

  "recover.note":
    "Everything else in the account stops working: sessions, passkeys, second factors, access tokens and old addresses.",
  "recover.dead": "Ask an administrator to start the recovery again.",
  "recover.stop": "Stop the recovery of your account?",
  "recover.stop.text":
    "Someone reported that you have lost access to your account. An administrator entered a new address for it. If this is wrong, stop the recovery.",
  "recover.stop.button": "Stop the recovery",
  "recover.stop.note": "If you asked for the recovery, close this page.",
  "recover.stopped": "Your account stays as it is",
  "recover.stopped.text": "The new address does not get your account.",

  "reset.title": "Choose a new password",
  "reset.button": "Change password",
  "reset.note": "You are signed out everywhere, and your access tokens stop working.",
  "reset.done": "Your password is changed",
  "reset.done.text": "Sign in as {user} with the new password.",
  "reset.done.note":
    "The passkeys, second factors and linked accounts of your account stay as they are. After you sign in, we show them to you, so that you can remove any that you do not recognize.",
  "review.title": "Is all of this yours?",
  "review.text":
    "Your password is new, and everything below stayed as it was. If someone else had access to your account, remove what you do not recognize.",
} as const;
