/** The English texts of the passwords of an account. */
export const englishPasswords = {
  "password.name": "Password",
  "password.since": "Last changed {day}",
  "password.none": "No password. You sign in another way.",
  "password.change": "Change",
  "password.change.title": "Change your password",
  "password.change.button": "Change password",
  "password.change.note": "You will be signed out everywhere else.",
  "password.of": "Password of {name}",
  "password.remove.title": "Remove this password?",
  "password.remove.text": "You can no longer sign in as {name}. Devices that have signed in with it are signed out.",
  "password.remove.own": "You signed in with this password. If you remove it, you must sign in again.",
  "password.remove.button": "Remove password",
  "password.removed": "Password removed.",
  "password.wrong": "The current password is wrong.",
  "password.done": "Password changed. You are signed out everywhere else.",
} as const;
