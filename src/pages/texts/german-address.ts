import type { englishAddress } from "./english-address.ts";

/** In German: see `english-address.ts`. */
export const germanAddress: Readonly<Record<keyof typeof englishAddress, string>> = {
  "address.title": "E-Mail-Adresse ändern",
  "address.text": "Wir senden einen Link an die neue Adresse. Ihr Passwort bleibt unverändert.",
  "address.new": "Neue E-Mail-Adresse",
  "address.own": "Das ist bereits Ihre Adresse.",
  "address.taken": "Inzwischen hat ein anderes Konto diese Adresse. Darum wurde nichts geändert.",
  "address.confirm": "Neue Adresse verwenden",
  "address.to": "Ihre neue Adresse: {address}",
  "address.button": "Diese Adresse verwenden",
  "address.ends": "Hier bleiben Sie angemeldet. Überall sonst werden Sie abgemeldet.",
  "address.sign-in-first":
    "Melden Sie sich mit der aktuellen Adresse Ihres Kontos an. Dann können Sie die neue verwenden.",
  "address.done": "E-Mail-Adresse geändert. Sie sind überall sonst abgemeldet.",
  "address.back.title": "Diese Adresse wiederherstellen?",
  "address.back.text":
    "Wenn Sie die Adresse Ihres Kontos nicht geändert haben, stellen Sie die alte jetzt wieder her. Dabei geschieht Folgendes:",
  "address.back.added": "Seither hinzugefügte Passkeys und zweite Faktoren werden entfernt.",
  "address.back.button": "Adresse wiederherstellen",
  "address.back.factor":
    "Ihr Konto hatte einen zweiten Faktor. Geben Sie einen Code aus Ihrer Authentifizierungs-App oder einen Wiederherstellungscode ein, oder melden Sie sich zuerst auf diesem Gerät an.",
  "address.back.factor.note":
    "Sie hatten nie einen zweiten Faktor? Dann suchen Sie eine frühere Nachricht über einen neuen zweiten Faktor oder Passkey und verwenden Sie deren Link.",

  "recover.note":
    "Alles andere im Konto wird ungültig: Sitzungen, Passkeys, zweite Faktoren, Zugriffstoken und alte Adressen.",
  "recover.dead": "Bitten Sie die Administration, die Wiederherstellung neu zu starten.",
  "recover.stop": "Kontowiederherstellung stoppen?",
  "recover.stop.text":
    "Jemand hat gemeldet, dass Sie keinen Zugang mehr zu Ihrem Konto haben. Die Administration hat eine neue Adresse dafür eingetragen. Wenn das nicht stimmt, stoppen Sie die Wiederherstellung.",
  "recover.stop.button": "Wiederherstellung stoppen",
  "recover.stop.note": "Wenn Sie um die Wiederherstellung gebeten haben, schließen Sie diese Seite.",
  "recover.stopped": "Ihr Konto bleibt, wie es ist",
  "recover.stopped.text": "Die neue Adresse bekommt Ihr Konto nicht.",

  "reset.title": "Neues Passwort wählen",
  "reset.button": "Passwort ändern",
  "reset.note": "Sie werden überall abgemeldet, und Ihre Zugriffstoken werden ungültig.",
  "reset.done": "Ihr Passwort ist geändert",
  "reset.done.text": "Melden Sie sich als {user} mit dem neuen Passwort an.",
  "reset.done.note":
    "Die Passkeys, zweiten Faktoren und verknüpften Konten bleiben unverändert. Nach der Anmeldung zeigen wir sie Ihnen, damit Sie entfernen können, was Sie nicht kennen.",
  "review.title": "Gehört das alles Ihnen?",
  "review.text":
    "Ihr Passwort ist neu, und alles Folgende ist geblieben, wie es war. Wenn jemand anderes Zugang zu Ihrem Konto hatte, entfernen Sie, was Sie nicht kennen.",
};
