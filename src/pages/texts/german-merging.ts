import type { englishMerging } from "./english-merging.ts";

/** The German texts of merging two accounts. */
export const germanMerging: Readonly<Record<keyof typeof englishMerging, string>> = {
  "merge.title": "Konten zusammenführen",
  "merge.hint": "Wenn Sie hier ein weiteres Konto haben, kann es Teil dieses Kontos werden.",
  "merge.button": "Weiteres Konto zusammenführen",
  "merge.begin.text":
    "Melden Sie sich als Nächstes bei Ihrem anderen Konto an. Bestätigen Sie danach, dass es Teil von {user} wird.",
  "merge.begin": "Beim anderen Konto anmelden",
  "merge.text":
    "Jedes Passwort, jeder Passkey und jedes verknüpfte Konto von {other} meldet dann bei {user} an. Die Authenticator-App, Sicherheitsschlüssel, Zugriffstokens und Geräte dieses Kontos werden ungültig. Das lässt sich nicht rückgängig machen.",
  "merge.confirm": "Endgültig zusammenführen",
  "merge.done": "Ihre Konten wurden zusammengeführt.",
  "merge.over": "Das hat zu lange gedauert. Beginnen Sie noch einmal in dem Konto, das Sie behalten.",
  "merge.factor": "Das Konto, das Sie behalten, braucht zuerst einen zweiten Faktor, denn dieses hat einen.",
  "merge.later":
    "Dieses Konto wurde vor Kurzem geändert oder mit einem neuen Gerät benutzt, oder es wird gerade wiederhergestellt. Versuchen Sie es in drei Tagen noch einmal, oder behalten Sie dieses Konto und führen Sie das andere damit zusammen.",
};
