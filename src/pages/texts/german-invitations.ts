import type { englishInvitations } from "./english-invitations.ts";

/** The texts of invitations. */
export const germanInvitations: Readonly<Record<keyof typeof englishInvitations, string>> = {
  "invitations.title": "Einladungen",
  "invitations.text": "Mit Ihren Administratorrechten können Sie andere einladen, ein Konto zu erstellen.",
  "invitations.manage": "Verwalten",
  "invitations.none": "Es gibt keine offenen Einladungen.",
  "invitations.new": "Jemanden einladen",
  "invitations.new.title": "Jemanden einladen",
  "invitations.new.text":
    "Sie erhalten einen Link zum Kopieren. Wenn diese Website E-Mails sendet, erhält auch die Person einen Link. Nur der zugesandte Link bestätigt die Adresse.",
  "invitations.identifier": "E-Mail-Adresse oder Benutzername",
  "invitations.name": "Name",
  "invitations.name.hint": "Die Person kann den Namen ändern.",
  "invitations.days": "Tage bis zum Ablauf",
  "invitations.days.count": "{count}",
  "invitations.create": "Einladen",
  "invitations.taken": "Ein Konto mit diesem Namen gibt es schon. Die Person kann sich damit anmelden.",
  "invitations.twice":
    "Diese Einladung wurde schon erstellt, und ihr Link wird nur einmal angezeigt. Laden Sie die Person noch einmal ein, um einen neuen Link zu erhalten.",
  "invitations.until": "Gültig bis {time}.",
  "invitations.since": "Abgelaufen am {time}.",
  "invitations.mailed": "Per E-Mail gesendet.",
  "invitations.copied": "Nicht per E-Mail gesendet. Nur der kopierte Link gilt.",
  "invitations.more": "Einige Einladungen werden nicht angezeigt.",
  "invitations.again": "Erneut senden",
  "invitations.revoke": "Widerrufen",
  "invitations.revoke.title": "Diese Einladung widerrufen?",
  "invitations.revoke.text": "Die Links für {name} funktionieren sofort nicht mehr.",
  "invitations.revoke.button": "Einladung widerrufen",
  "invitations.done": "Einladung widerrufen.",
  "invitations.made": "Link kopieren",
  "invitations.made.text":
    "Geben Sie diesen Link selbst an {name} weiter. Er wird nur einmal angezeigt und gilt nur einmal. Wer ihn hat, kann das Konto erstellen.",
  "invitations.made.mailed": "Eine Nachricht mit einem anderen Link ist an {name} unterwegs.",
  "invitations.made.copied": "Ich habe ihn kopiert",

  "invitation.title": "Sie sind eingeladen",
  "invitation.text": "Erstellen Sie Ihr Konto für {name}. Mit diesem Namen melden Sie sich künftig an.",
  "invitation.dead":
    "Bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung. Wenn Sie schon ein Konto haben, {link}.",
  "invitation.dead.link": "melden Sie sich an",
};
