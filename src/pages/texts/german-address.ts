import type { englishAddress } from "./english-address.ts";

/** In German: see `english-address.ts`. */
export const germanAddress: Readonly<Record<keyof typeof englishAddress, string>> = {
  "address.title": "E-Mail-Adresse ändern",
  "address.text": "Wir senden einen Link an die neue Adresse. Ihr Passwort bleibt gleich.",
  "address.new": "Neue E-Mail-Adresse",
  "address.own": "Das ist bereits Ihre Adresse.",
  "address.taken": "Inzwischen hat ein anderes Konto diese Adresse. Es wurde nichts geändert.",
  "address.confirm": "Neue Adresse verwenden",
  "address.button": "Diese Adresse verwenden",
  "address.ends": "Hier bleiben Sie angemeldet, überall sonst werden Sie abgemeldet.",
  "address.sign-in-first":
    "Melden Sie sich mit der jetzigen Adresse Ihres Kontos an. Dann können Sie die neue verwenden.",
  "address.done": "E-Mail-Adresse geändert. Überall sonst sind Sie abgemeldet.",
  "address.back.title": "Diese Adresse wiederherstellen?",
  "address.back.text": "Haben Sie die Adresse Ihres Kontos nicht geändert, stellen Sie sie jetzt wieder her:",
  "address.back.added": "Passkeys und zweite Faktoren, die seither hinzukamen, werden entfernt.",
  "address.back.button": "Adresse wiederherstellen",
  "address.back.factor":
    "Ihr Konto hatte einen zweiten Faktor. Geben Sie einen Code Ihrer Authentifizierungs-App oder einen Wiederherstellungscode ein, oder melden Sie sich zuerst auf diesem Gerät an.",
  "address.back.factor.note":
    "Sie hatten nie einen? Dann suchen Sie eine frühere Nachricht über einen neuen zweiten Faktor oder Passkey, und nutzen Sie deren Link.",

  "recover.note": "Alles andere am Konto endet: Sitzungen, Passkeys, zweite Faktoren, Zugriffstoken und alte Adressen.",
  "recover.dead": "Bitten Sie die Administration, neu zu beginnen.",
  "recover.stop": "Änderung Ihres Kontos stoppen?",
  "recover.stop.text":
    "Der Administration wurde gemeldet, dass Sie Ihr Konto verloren haben. Sie hat eine neue Adresse dafür genannt. Stimmt das nicht, stoppen Sie es.",
  "recover.stop.button": "Stoppen",
  "recover.stop.note": "Haben Sie darum gebeten, schließen Sie diese Seite.",
  "recover.stopped": "Ihr Konto bleibt, wie es ist",
  "recover.stopped.text": "Die neue Adresse bekommt Ihr Konto nicht.",
};
