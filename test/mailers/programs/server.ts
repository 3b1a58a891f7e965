/** For Node, Deno and Bun: makes the attempts of its first argument, and prints what became of them. @module */
import { httpAttempts } from "./http.ts";
import { smtpAttempts } from "./smtp.ts";

const { http, smtp } = JSON.parse(process.argv[2]!);
console.log(JSON.stringify({ http: await httpAttempts(http ?? []), smtp: await smtpAttempts(smtp ?? []) }));
