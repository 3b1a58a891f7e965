import type { MailLanguage, MailText } from "../mail-text.ts";

const lifetime = "Der Link gilt eine Stunde und funktioniert nur einmal.";
const ignore = "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht.";
const keepCode = "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht und geben Sie den Code nicht weiter.";
const nothingToDo = "Wenn Sie das waren, müssen Sie nichts tun.";
const askForHelp = "Wenn Sie das nicht erwartet haben, bitten Sie die Administration von {site} um Hilfe.";

function notice(subject: string, what: string = `${subject}.`): MailText {
  return {
    subject: `${subject} – {site}`,
    paragraphs: [`${what} Es geht um Ihr Konto {address} bei {site}.`, "{circumstances}", nothingToDo],
    action: "Das war ich nicht",
    note: "Über den Link können Sie das Konto sperren und ein neues Passwort wählen. Er gilt sieben Tage und funktioniert nur einmal.",
  };
}

function ofMembership(subject: string, what: string, ...more: readonly string[]): MailText {
  return {
    subject: `${subject} – {site}`,
    paragraphs: [what, "Organisation: {organization}", ...more, askForHelp],
  };
}

/** German, for the option `languages` of `mail`. */
export const germanMail: MailLanguage = {
  tag: "de",
  phrases: {
    code: "Oder geben Sie diesen Code dort ein, wo Sie die Nachricht angefordert haben, innerhalb von zehn Minuten nach der Anforderung:",
    link: "Oder öffnen Sie diese Adresse:",
    when: "Zeitpunkt: {time} UTC.",
    device: "Gerät: {device}.",
    ip: "Netzwerkadresse: {ip}.",
    browserAndSystem: "{browser} unter {system}",
    unknownDevice: "unbekannt",
    unnamedOrganization: "eine Organisation ohne Namen",
    "role.owner": "Inhaber",
    "role.admin": "Admin",
    "role.member": "Mitglied",
    "role.editor": "Bearbeiter",
    "role.viewer": "Betrachter",
    "role.guest": "Gast",
  },
  texts: {
    verify_identifier: {
      subject: "Bestätigen Sie Ihre E-Mail-Adresse für {site}",
      paragraphs: ["Jemand, hoffentlich Sie, hat bei {site} ein Konto mit der Adresse {address}."],
      action: "Adresse bestätigen",
      note: `Der Link gilt 24 Stunden und funktioniert nur einmal. ${ignore}`,
    },
    reset_password: {
      subject: "Wählen Sie ein neues Passwort für {site}",
      paragraphs: ["Jemand, hoffentlich Sie, möchte für das Konto {address} bei {site} ein neues Passwort wählen."],
      action: "Neues Passwort wählen",
      note: `${lifetime} ${ignore} Ihr Passwort bleibt dann, wie es ist.`,
    },
    sign_in: {
      subject: "Anmeldung bei {site}",
      paragraphs: ["Jemand, hoffentlich Sie, möchte sich mit dem Konto {address} bei {site} anmelden."],
      action: "Anmelden",
      note: `${lifetime} ${keepCode}`,
    },
    sign_up: {
      subject: "Schließen Sie Ihre Registrierung bei {site} ab",
      paragraphs: ["Jemand, hoffentlich Sie, möchte bei {site} ein Konto mit der Adresse {address} erstellen."],
      action: "Registrierung abschließen",
      note: `${lifetime} ${ignore} Dann wird kein Konto erstellt.`,
    },
    sign_up_taken: {
      subject: "Sie haben bereits ein Konto bei {site}",
      paragraphs: [
        "Jemand, hoffentlich Sie, wollte bei {site} ein Konto mit der Adresse {address} erstellen. Sie haben bereits eines.",
        "Melden Sie sich mit Ihrem Konto an. Wenn Sie Ihr Passwort vergessen haben, können Sie auf der Anmeldeseite ein neues wählen.",
      ],
      action: "Anmelden",
      note: `${ignore} Es hat sich nichts geändert.`,
    },
    organization_invitation: {
      subject: "Sie sind bei {site} eingeladen",
      paragraphs: [
        "Ein Mitglied einer Organisation bei {site} lädt {address} ein, beizutreten: {organization}.",
        "Wenn Sie ein Konto mit dieser Adresse haben, melden Sie sich damit an. Wenn nicht, können Sie eines erstellen.",
      ],
      action: "Einladung ansehen",
      note: "Wenn Sie die Organisation nicht kennen, ignorieren Sie diese Nachricht.",
    },
    invitation: {
      subject: "Sie sind zu {site} eingeladen",
      paragraphs: ["Die Administration von {site} lädt Sie ein, ein Konto mit der Adresse {address} zu erstellen."],
      action: "Konto erstellen",
      note: "Der Link gilt, bis die Einladung abläuft, und funktioniert nur einmal. Wenn Sie die Einladung nicht erwartet haben, ignorieren Sie diese Nachricht. Dann wird kein Konto erstellt.",
    },
    change_identifier: {
      subject: "Bestätigen Sie Ihre neue E-Mail-Adresse für {site}",
      paragraphs: ["Jemand, hoffentlich Sie, möchte die Adresse {address} für ein Konto bei {site} verwenden."],
      action: "Diese Adresse verwenden",
      note: `${lifetime} Beides funktioniert nur dort, wo Sie angemeldet sind. ${keepCode}`,
    },
    change_identifier_taken: {
      subject: "Jemand hat Ihre Adresse bei {site} eingegeben",
      paragraphs: [
        "Jemand wollte die Adresse {address} für ein Konto bei {site} verwenden. Ihr Konto hat sie bereits.",
        "Wenn Sie das waren, melden Sie sich mit dem Konto an, das diese Adresse hat.",
      ],
      action: "Anmelden",
      note: `${ignore} Es hat sich nichts geändert.`,
    },
    address_replaced: {
      subject: "Ihre E-Mail-Adresse wurde geändert – {site}",
      paragraphs: [
        "Ihr Konto bei {site} hat eine neue Adresse. Es verwendet {address} nicht mehr.",
        "{circumstances}",
        nothingToDo,
      ],
      action: "Alte Adresse wiederherstellen",
      note: "Der Link stellt die alte Adresse wieder her und sperrt das Konto. Danach können Sie ein neues Passwort wählen. Der Link gilt 72 Stunden und funktioniert nur einmal.",
    },
    address_restored: {
      subject: "Ihre frühere E-Mail-Adresse gilt wieder – {site}",
      paragraphs: [
        "Ihr Konto bei {site} verwendet die Adresse {address} nicht mehr. Jemand mit Zugriff auf die frühere Adresse hat diese wiederhergestellt.",
        "{circumstances}",
        askForHelp,
      ],
    },
    recovery_started: {
      subject: "Ihr Konto bei {site} soll eine neue Adresse bekommen",
      paragraphs: [
        "Jemand hat gemeldet, dass Sie keinen Zugang mehr zu Ihrem Konto haben. Die Administration von {site} hat eine neue Adresse dafür eingetragen. Nach der Wiederherstellung verwendet das Konto {address} nicht mehr.",
        "{circumstances}",
        "Wenn Sie darum gebeten haben, müssen Sie nichts tun.",
      ],
      action: "Wiederherstellung stoppen",
      note: "Der Link funktioniert, bis die Wiederherstellung abgeschlossen ist.",
    },
    recover_account: {
      subject: "Stellen Sie Ihr Konto bei {site} wieder her",
      paragraphs: [
        "Die Administration von {site} hat {address} als neue Adresse Ihres Kontos eingetragen. Wählen Sie ein neues Passwort.",
        "Alles andere im Konto funktioniert danach nicht mehr: Sitzungen, Passkeys, zweite Faktoren, Zugriffstoken und alte Adressen.",
      ],
      action: "Neues Passwort wählen",
      note: "Der Link gilt drei Tage und funktioniert nur einmal. Wenn Sie das nicht erwartet haben, ignorieren Sie diese Nachricht.",
    },
    recovery_finished: {
      subject: "Ihr Konto bei {site} hat eine neue Adresse",
      paragraphs: [
        "Ihr Konto bei {site} verwendet die Adresse {address} nicht mehr. Die Administration hat dem Konto eine neue Adresse gegeben.",
        "{circumstances}",
        askForHelp,
      ],
    },
    password_changed: notice("Ihr Passwort wurde geändert"),
    password_reset: notice(
      "Ihr Passwort wurde zurückgesetzt",
      "Ihr Passwort wurde über einen zugesandten Link zurückgesetzt.",
    ),
    password_added: notice(
      "Ein Passwort wurde hinzugefügt",
      "Ein Passwort für eine andere Adresse oder einen anderen Namen wurde hinzugefügt.",
    ),
    credential_ended: notice("Ein Weg zur Anmeldung wurde entfernt"),
    passkey_added: notice("Ein Passkey wurde hinzugefügt"),
    identity_linked: notice(
      "Eine Anmeldemöglichkeit wurde verknüpft",
      "Mit einem Konto bei einer anderen Website kann man sich jetzt bei Ihrem Konto anmelden.",
    ),
    factor_added: notice("Ein zweiter Faktor wurde hinzugefügt"),
    factor_removed: notice("Ein zweiter Faktor wurde entfernt"),
    recovery_codes_made: notice("Neue Wiederherstellungscodes wurden erstellt"),
    enrollment_permitted: notice(
      "Ein zweiter Faktor darf eingerichtet werden",
      "Die Administration hat erlaubt, einen zweiten Faktor einzurichten.",
    ),
    token_made: notice("Ein Zugriffstoken wurde erstellt"),
    token_reused: notice(
      "Eine Sitzung wurde beendet",
      "Möglicherweise hat jemand eine Ihrer Sitzungen kopiert. Darum haben wir sie beendet.",
    ),
    administrator_granted: notice("Sie haben jetzt Administratorrechte", "Ihr Konto hat jetzt Administratorrechte."),
    address_verified: notice("Eine Adresse wurde bestätigt", "Eine weitere Adresse wurde bestätigt."),
    address_changed: notice("Ihre E-Mail-Adresse wurde geändert", "Eine E-Mail-Adresse Ihres Kontos wurde geändert."),
    accounts_merged: notice(
      "Zwei Konten wurden zusammengeführt",
      "Zwei Konten wurden zusammengeführt: Jede Anmeldung bei einem der beiden öffnet nun dasselbe Konto.",
    ),
    membership_given: ofMembership(
      "Sie haben eine neue Rolle in einer Organisation",
      "Ihr Konto {address} bei {site} hat eine neue Rolle in einer Organisation.",
      "Rolle: {role}",
    ),
    membership_suspended: ofMembership(
      "Ihre Mitgliedschaft in einer Organisation wurde gesperrt",
      "Die Mitgliedschaft Ihres Kontos {address} bei {site} in einer Organisation wurde gesperrt. Bis die Sperre aufgehoben wird, haben Sie dort keinen Zugang.",
    ),
    membership_ended: ofMembership(
      "Sie wurden aus einer Organisation entfernt",
      "Ihr Konto {address} bei {site} ist nicht mehr Mitglied einer Organisation.",
    ),
    account_closed: {
      subject: "Ihr Konto bei {site} wurde geschlossen",
      paragraphs: ["Ihr Konto {address} bei {site} wurde endgültig geschlossen.", "{circumstances}", askForHelp],
    },
    new_device: notice(
      "Anmeldung auf einem neuen Gerät",
      "Jemand hat sich auf einem Gerät angemeldet, das wir noch nicht kennen.",
    ),
  },
};
