import type { englishErrors } from "./english-errors.ts";

/** Sentences for refusals, in German. */
export const germanErrors: Readonly<Record<keyof typeof englishErrors, string>> = {
  "error.invalid_format.identifier":
    "Verwenden Sie 1 bis 254 Buchstaben, Ziffern und Sonderzeichen, ohne Leerzeichen und Umlaute. Nach @ folgt eine Domain, zum Beispiel example.com.",
  "error.invalid_format.name":
    "Verwenden Sie 1 bis 120 Zeichen, ohne Steuerzeichen und ohne Zeichen, die die Schreibrichtung ändern.",
  "error.display-name":
    "Verwenden Sie höchstens 200 Zeichen, ohne Steuerzeichen und ohne Zeichen, die die Schreibrichtung ändern.",
  "error.invalid_format.idempotency_key":
    "Dieses Formular war zu lange offen. Prüfen Sie es und senden Sie es noch einmal.",
  "error.invalid_format.scope":
    "Trennen Sie Rechte durch Leerzeichen. Möglich sind höchstens 50, jedes mit höchstens 128 Buchstaben, Ziffern und Sonderzeichen.",
  "error.invalid_format.text": "Das enthält Zeichen, die sich nicht speichern lassen.",
  "error.invalid_format.webauthn": "Der Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal.",
  "error.invalid_format.user_not_verified":
    "Dieser Schlüssel muss prüfen, dass Sie es sind. Richten Sie eine PIN darauf ein und versuchen Sie es noch einmal.",
  "error.invalid_format.password": "Dieses Passwort lässt sich nicht verwenden. Wählen Sie ein anderes.",
  "error.invalid_format.body": "Dieses Formular ist nicht vollständig. Gehen Sie zurück und senden Sie es noch einmal.",
  "error.invalid_format.json": "Dieses Formular ist nicht vollständig. Gehen Sie zurück und senden Sie es noch einmal.",
  "error.password.too_short":
    "Dieses Passwort ist zu kurz. Verwenden Sie mindestens 15 Zeichen, mit einem zweiten Faktor mindestens 8. Mehrere Wörter hintereinander eignen sich gut.",
  "error.password.too_long": "Dieses Passwort ist zu lang. Verwenden Sie höchstens 1024 Byte.",
  "error.password.too_predictable":
    "Dieses Passwort ist zu leicht zu erraten. Vermeiden Sie häufige Passwörter, Wiederholungen, Tastaturmuster und Ihren eigenen Namen.",
  "error.password.unusable_characters": "Dieses Passwort enthält Zeichen, die sich nicht verwenden lassen.",
  "error.password.reused": "Dieses Passwort haben Sie schon einmal benutzt. Wählen Sie ein anderes.",
  "error.password.compromised": "Dieses Passwort ist in einem Datenleck aufgetaucht. Wählen Sie ein anderes.",
  "error.unauthorized.provider":
    "Die Anmeldung bei der anderen Website ist fehlgeschlagen. Versuchen Sie es noch einmal.",
  "error.unavailable.provider": "Die andere Website ist gerade nicht erreichbar. Versuchen Sie es gleich noch einmal.",
  "error.conflict.same_user":
    "Sie haben sich wieder beim selben Konto angemeldet. Brechen Sie ab, und melden Sie sich beim anderen an.",
  "error.conflict.identity_in_use":
    "Ein anderes Konto hier verwendet dieses Konto bei der anderen Website. Lösen Sie dort zuerst die Verknüpfung.",
  "error.unauthorized.user_not_verified":
    "Dieser Schlüssel muss prüfen, dass Sie es sind. Richten Sie eine PIN darauf ein und versuchen Sie es noch einmal.",
  "error.unauthorized.invalid_credential": "Das ist nicht richtig. Prüfen Sie es und versuchen Sie es noch einmal.",
  "error.unauthorized.invalid_factor":
    "Dieser Code ist nicht richtig. Prüfen Sie ihn und versuchen Sie es noch einmal.",
  "error.unauthorized.invalid_link": "Dieser Link funktioniert nicht. Er wurde schon benutzt, oder er ist zu alt.",
  "error.unauthorized.invalid_token": "Ihre Sitzung ist beendet. Melden Sie sich wieder an.",
  "error.unauthorized.session_expired": "Ihre Sitzung ist beendet. Melden Sie sich wieder an.",
  "error.unauthorized.mfa_required": "Ihr Konto verlangt jetzt einen zweiten Faktor. Melden Sie sich wieder an.",
  "error.unauthorized.reauthentication_required": "Bestätigen Sie dafür, dass Sie es sind.",
  "error.unauthorized.replayed_totp": "Dieser Code wurde schon benutzt. Warten Sie auf den nächsten.",
  "error.unauthorized.invalid_ticket":
    "Diese Anmeldung war schon abgeschlossen, hat zu lange gedauert oder hatte zu viele falsche Codes. Beginnen Sie von vorn.",
  "error.pat.expires_in_past": "Wählen Sie einen Tag innerhalb des nächsten Jahres.",
  "error.forbidden": "Dazu sind Sie nicht berechtigt.",
  "error.forbidden.cross_origin":
    "Diese Anfrage kam nicht von einer Seite dieser Website. Darum wurde nichts geändert.",
  "error.forbidden.sign_up_closed": "Hier lassen sich zurzeit keine neuen Konten erstellen.",
  "error.forbidden.enrollment_not_granted":
    "Für die Anmeldung brauchen Sie einen zweiten Faktor. Bitten Sie die Administration um die Erlaubnis, einen einzurichten.",
  "error.forbidden.provider_not_allowed":
    "Die Organisation lässt Anmeldungen über diese Website nicht zu. Melden Sie sich ab und auf andere Weise wieder an.",
  "error.unauthorized.enrollment_required":
    "Die Organisation verlangt einen Passkey oder zweiten Faktor, den Sie noch nicht haben. Richten Sie ihn unter „Anmeldung und Sicherheit“ ein.",
  "error.forbidden.terms_not_accepted": "Stimmen Sie den Nutzungsbedingungen zu, um fortzufahren.",
  "error.conflict.terms_changed":
    "Die Nutzungsbedingungen haben sich gerade geändert. Lesen Sie die neue Fassung und stimmen Sie ihr zu.",
  "error.not_found": "Das gibt es in Ihrem Konto nicht mehr.",
  "error.conflict.already_terminal": "Das ist schon beendet.",
  "error.conflict.credential_not_active": "Das ist gesperrt oder beendet.",
  "error.conflict.duplicate_credential": "Das ist schon vergeben.",
  "error.conflict.idempotency_key_used": "Das ist schon geschehen. Darum wurde es nicht wiederholt.",
  "error.conflict.last_administrator":
    "Nur Sie haben noch Administratorrechte. Geben Sie zuerst einer anderen Person Administratorrechte.",
  "error.conflict.last_factor":
    "Ihr Konto braucht einen zweiten Faktor, und dies ist Ihr letzter. Fügen Sie zuerst einen anderen hinzu.",
  "error.conflict.last_way_in": "Das ist Ihr letzter Weg zur Anmeldung. Fügen Sie zuerst einen anderen hinzu.",
  "error.conflict.invitation_not_pending": "Diese Einladung ist nicht mehr offen. Bitten Sie um eine neue.",
  "error.conflict.invitation_expired": "Diese Einladung ist abgelaufen. Bitten Sie um eine neue.",
  "error.precondition.past_expiration": "Wählen Sie einen Tag in der Zukunft, höchstens ein Jahr voraus.",
  "error.precondition.identifier_mismatch":
    "Diese Einladung gilt für eine andere Adresse. Melden Sie sich mit dem Konto an, das sie hat.",
  "error.precondition.identifier_unverified":
    "Bestätigen Sie zuerst Ihre E-Mail-Adresse, und nehmen Sie dann die Einladung an.",
  "error.conflict.sole_owner":
    "Eine Organisation hat keinen anderen Inhaber. Machen Sie zuerst ein anderes Mitglied zum Inhaber, oder lösen Sie die Organisation auf.",
  "error.precondition.limit_reached": "Die Höchstzahl ist erreicht. Entfernen Sie zuerst einen Eintrag.",
  "error.precondition.factor_code_invalid":
    "Dieser Code ist nicht richtig. Prüfen Sie, ob die App diese Website zeigt, und geben Sie den aktuellen Code ein.",
  "error.precondition.factor_not_pending": "Das hat zu lange gedauert. Beginnen Sie von vorn.",
  "error.precondition.factor_needed_first": "Fügen Sie zuerst eine Authentifizierungs-App hinzu.",
  "error.payload_too_large": "Das ist zu viel Text für diese Seite.",
  "error.unsupported_media_type": "Diese Seite nimmt nur ihre eigenen Formulare an.",
  "error.too_many_requests": "Zu viele Versuche. Warten Sie noch {time}.",
  "error.captcha_required":
    "Zu viele Versuche. Führen Sie die Prüfung unten durch und senden Sie das Formular noch einmal.",
  "error.captcha_failed":
    "Die Prüfung wurde nicht abgeschlossen oder hat zu lange gedauert. Wiederholen Sie die Prüfung und senden Sie dann das Formular.",
  "captcha.missing":
    "Wenn Sie keine Prüfung sehen, schalten Sie JavaScript ein, erlauben Sie {host} und senden Sie das Formular noch einmal. Oder warten Sie: In {time} können Sie es ohne Prüfung senden.",
  "error.unavailable.busy": "Der Dienst ist ausgelastet. Versuchen Sie es gleich noch einmal.",
  "error.unavailable.database": "Der Dienst ist nicht erreichbar. Versuchen Sie es gleich noch einmal.",
  "error.unavailable.configuration":
    "Diese Website ist nicht richtig eingerichtet. Versuchen Sie es später noch einmal.",
  "error.unavailable.reply_lost":
    "Die Änderung ist gespeichert, aber die Antwort ging verloren. Falls ein Code oder ein Token angezeigt werden sollte, erstellen Sie den Code oder das Token neu.",
};
