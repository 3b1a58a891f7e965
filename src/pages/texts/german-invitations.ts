import type { englishInvitations } from "./english-invitations.ts";

/** The texts of invitations. */
export const germanInvitations: Readonly<Record<keyof typeof englishInvitations, string>> = {
  "invitations.title": "Einladungen",
  "invitations.text": "Als Administrator können Sie Personen einladen, ein Konto anzulegen.",
  "invitations.manage": "Verwalten",
  "invitations.none": "Zurzeit ist niemand eingeladen.",
  "invitations.new": "Jemanden einladen",
  "invitations.new.title": "Jemanden einladen",
  "invitations.new.text":
    "Sie erhalten einen Link zum Kopieren. Wenn diese Website Mails sendet, bekommt die Person auch einen, und nur der beweist die Adresse.",
  "invitations.identifier": "E-Mail-Adresse oder Benutzername",
  "invitations.name": "Name",
  "invitations.name.hint": "Die Person kann ihn ändern.",
  "invitations.days": "Gilt für",
  "invitations.days.count": "{count} Tage",
  "invitations.create": "Einladen",
  "invitations.taken": "Ein Konto mit diesem Namen gibt es schon. Sein Inhaber meldet sich an.",
  "invitations.twice":
    "Diese Einladung wurde bereits erstellt, und ihr Link wird nur einmal angezeigt. Laden Sie die Person für einen neuen Link noch einmal ein.",
  "invitations.until": "Gilt bis {time}.",
  "invitations.since": "Abgelaufen {time}.",
  "invitations.mailed": "Per Mail gesendet.",
  "invitations.copied": "Nicht per Mail gesendet: nur der kopierte Link.",
  "invitations.more": "Einige Einladungen werden nicht angezeigt.",
  "invitations.revoke": "Widerrufen",
  "invitations.revoke.title": "Diese Einladung widerrufen?",
  "invitations.revoke.text": "Die Links für {name} funktionieren sofort nicht mehr.",
  "invitations.revoke.button": "Einladung widerrufen",
  "invitations.done": "Einladung widerrufen.",
  "invitations.made": "Link kopieren",
  "invitations.made.text":
    "Geben Sie ihn {name} selbst. Er wird nur einmal angezeigt, funktioniert einmal, und wer ihn hat, kann das Konto anlegen.",
  "invitations.made.mailed": "Eine Nachricht mit einem anderen Link ist unterwegs an {name}.",
  "invitations.made.copied": "Ich habe ihn kopiert",

  "invitation.title": "Sie sind eingeladen",
  "invitation.text": "Legen Sie Ihr Konto für {name} an. Mit diesem Namen melden Sie sich künftig an.",
  "invitation.dead":
    "Bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung. Wenn Sie schon ein Konto haben: {link}.",
  "invitation.dead.link": "anmelden",
};
