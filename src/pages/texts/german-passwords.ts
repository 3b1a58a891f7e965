import type { englishPasswords } from "./english-passwords.ts";

/** The German texts of the passwords of an account. */
export const germanPasswords: Readonly<Record<keyof typeof englishPasswords, string>> = {
  "password.name": "Passwort",
  "password.since": "Zuletzt geändert am {day}",
  "password.none": "Kein Passwort. Sie melden sich auf einem anderen Weg an.",
  "password.change": "Ändern",
  "password.change.title": "Passwort ändern",
  "password.change.button": "Passwort ändern",
  "password.change.note": "Sie werden überall sonst abgemeldet.",
  "password.of": "Passwort von {name}",
  "password.remove.title": "Dieses Passwort entfernen?",
  "password.remove.text":
    "Sie können sich dann nicht mehr als {name} anmelden. Geräte, die sich damit angemeldet haben, werden abgemeldet.",
  "password.remove.own":
    "Sie haben sich mit diesem Passwort angemeldet. Wenn Sie es entfernen, müssen Sie sich neu anmelden.",
  "password.remove.button": "Passwort entfernen",
  "password.removed": "Passwort entfernt.",
  "password.wrong": "Das aktuelle Passwort ist falsch.",
  "password.done": "Passwort geändert. Sie sind überall sonst abgemeldet.",
};
