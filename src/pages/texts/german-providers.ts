import type { englishProviders } from "./english-providers.ts";

/** The texts of signing in with other sites. */
export const germanProviders: Readonly<Record<keyof typeof englishProviders, string>> = {
  "providers.continue": "Weiter mit {provider}",
  "providers.again": "Mit {provider} bestätigen",
  "providers.cancelled": "Sie haben sich bei {provider} nicht angemeldet.",
  "providers.taken":
    "Ein Konto hier hat dieselbe Adresse wie Ihr Konto bei {provider}. Wenn es Ihres ist, melden Sie sich auf einem anderen Weg an.",
  "providers.excluded":
    "Ihr Konto bei der anderen Website wird hier nicht akzeptiert. Verwenden Sie ein anderes, oder bitten Sie um Hilfe.",
  "providers.unproved": "Melden Sie sich bei der anderen Website ab, und versuchen Sie es noch einmal.",
  "providers.unknown": "Melden Sie sich auf einem anderen Weg an.",
  "organization.title": "Mit Ihrer Organisation anmelden",
  "organization.none":
    "Für diese Adresse ist hier keine Organisation eingerichtet. Prüfen Sie die Adresse, oder melden Sie sich anders an.",
  "linking.title": "Sie haben hier schon ein Konto",
  "linking.text":
    "Ein Konto hier hat dieselbe Adresse wie Ihr Konto bei der anderen Website. Melden Sie sich hier an, um beide zu verknüpfen. Danach können Sie beide verwenden.",
  "linking.ask":
    "Möchten Sie Ihr Konto bei der anderen Website verknüpfen? Dann können Sie sich damit hier als {user} anmelden.",
  "linking.link": "Verknüpfen",
  "linking.title.link": "Konto bei der anderen Website verknüpfen",
  "linking.over": "Das hat zu lange gedauert oder ist schon erledigt. Beginnen Sie bei der anderen Website von vorn.",
  "identities.name": "Verknüpfte Konten",
  "identities.others": "Konten bei anderen Websites",
  "identities.none": "Mit keinem Konto bei einer anderen Website können Sie sich hier anmelden.",
  "identities.add": "Konto verknüpfen",
  "identities.add.text": "Wählen Sie die Website. Sie melden sich dort an und kommen hierher zurück.",
  "identities.suspended": "Gesperrt.",
  "identities.added": "Verknüpft am {day}.",
  "identities.used": "Verknüpft am {day}, zuletzt verwendet {time}.",
  "identities.done": "Ihre verknüpften Konten wurden geändert.",
  "identities.remove": "Verknüpfung lösen",
  "identities.remove.title": "Verknüpfung eines Kontos lösen",
  "identities.remove.text": "Mit {name} können Sie sich dann nicht mehr hier anmelden.",
  "identities.remove.own": "Sie haben sich damit angemeldet. Deshalb werden Sie abgemeldet.",
};
