/** The texts of merging two accounts. */
export const englishMerging = {
  "merge.title": "Merge your accounts",
  "merge.hint": "If you have another account here, it can become part of this one.",
  "merge.button": "Merge another account",
  "merge.begin.text": "Sign in to your other account next. Then confirm that it becomes part of {user}.",
  "merge.begin": "Sign in to the other account",
  "merge.text":
    "Every password, passkey and linked account of {other} will then sign in to {user}. Its authenticator app, security keys, access tokens and devices stop working. This cannot be undone.",
  "merge.confirm": "Merge for good",
  "merge.done": "Your accounts were merged.",
  "merge.over": "This took too long. Start again in the account that you keep.",
  "merge.factor": "The account that you keep needs a second factor first, because this one has one.",
  "merge.later":
    "This account has changed or was used from a new device a short time ago, or it is being recovered. Try again in three days, or keep this account and merge the other one into it.",
} as const;
