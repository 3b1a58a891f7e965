/** The texts of signing in with other sites. */
export const englishProviders = {
  "providers.continue": "Continue with {provider}",
  "providers.again": "Confirm with {provider}",
  "providers.cancelled": "You did not sign in at {provider}.",
  "providers.taken":
    "An account here has the address of your account at {provider}. If it is yours, sign in to it another way.",
  "linking.title": "You already have an account here",
  "linking.text":
    "An account here has the same address as your account at the other site. Sign in here to link the two. You can then use either.",
  "linking.ask": "Do you want to link your account at the other site? You can then use it to sign in here as {user}.",
  "linking.link": "Link",
  "linking.title.link": "Link your account at the other site",
  "linking.over": "This took too long, or was done already. Start again at the other site.",
  "identities.name": "Linked accounts",
  "identities.others": "Accounts at other sites",
  "identities.none": "No account at another site can sign in here.",
  "identities.add": "Link an account",
  "identities.add.text": "Choose the site. You sign in there, and come back here.",
  "identities.suspended": "Suspended.",
  "identities.added": "Linked on {day}.",
  "identities.used": "Linked on {day}, last used {time}.",
  "identities.done": "Your linked accounts were changed.",
  "identities.remove": "Unlink",
  "identities.remove.title": "Unlink an account",
  "identities.remove.text": "{name} can then no longer sign in here.",
  "identities.remove.own": "You signed in with it, so you will be signed out.",
} as const;
