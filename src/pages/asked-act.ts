/**
 * The act that a proof interrupts. It travels in the step-up form, with a MAC that binds it to the session that asked and ends
 * after ten minutes. A proof at a provider leads away from the form and ends that session, so the act also waits in a cookie, bound to
 * the user. No row is stored, and no field of it is a secret.
 *
 * @module
 */
import { openText, sealText } from "../engine/sealed-text.ts";
import { realmOf } from "../http/auth-source.ts";
import { askedActCookie, readCookie, setCookie } from "../http/cookies.ts";
import { accountRoutes } from "./account-routes.ts";
import { Form, type Json } from "./form.ts";
import type { AfterProof, PageRoute, UserVisit } from "./route.ts";

const actSeconds = 600;

/** An act that waits for a proof. */
export interface AskedAct {
  readonly afterProof: AfterProof;
  /** The path of the part of the account page that it belongs to, below the base path. */
  readonly belongsTo: string;
  readonly path: string;
  readonly form: Form;
  /** The session whose form it is. */
  readonly formsOf: string;
  /** As it was sealed for the session of this visit, if it was. */
  readonly sealed?: string | undefined;
}

/** The act in a request. */
export function askedAct(row: PageRoute, visit: UserVisit, sent: Form | Json | undefined): AskedAct | undefined {
  if (row.access !== "user" || !row.afterProof) return undefined;
  const textOf = (name: string): string => {
    const text = sent instanceof Form ? sent.text(name) : sent?.[name];
    return typeof text === "string" ? text : "";
  };
  const { afterProof, belongsTo, path } = row;
  const form = new Form(fieldsOf(afterProof, visit).map((name) => [name, textOf(name)]));
  return { afterProof, belongsTo, path, form, formsOf: visit.formsOf ?? visit.session.id };
}

/** Seals an act for the session of a visit. A sealed act keeps its end, so a wrong proof prolongs nothing. */
export async function sealAct(visit: UserVisit, act: AskedAct): Promise<string> {
  return act.sealed ?? (await sealFor(visit.session.id, visit, act));
}

/** The act that was sealed for the session of a visit, or `undefined` if there is none or it has ended. */
export async function openAct(visit: UserVisit, sealed: unknown): Promise<AskedAct | undefined> {
  return typeof sealed === "string" ? await openFor(visit.session.id, visit, sealed) : undefined;
}

/** The longest value of the cookie. Browsers keep 4,096 bytes with the name and the attributes. */
const longestCookie = 3_800;

/** Keeps an act in the browser while it is at a provider. A longer act is not kept: its user begins again. */
export async function keepAct(visit: UserVisit, act: AskedAct): Promise<void> {
  const sealed = await sealFor(visit.user.id, visit, act);
  if (sealed.length <= longestCookie) setCookie(visit.c, visit.auth, askedActCookie, sealed, actSeconds);
}

/** The act that waits in the browser, for its user alone. */
export async function keptAct(visit: UserVisit): Promise<AskedAct | undefined> {
  const sealed = readCookie(visit.c, visit.auth, askedActCookie);
  const act = sealed === undefined ? undefined : await openFor(visit.user.id, visit, sealed);
  // It is sealed for the session before the proof, if at all.
  return act && { ...act, sealed: undefined };
}

async function sealFor(boundTo: string, visit: UserVisit, act: AskedAct): Promise<string> {
  const { auth, asOf } = visit;
  const fields = fieldsOf(act.afterProof, visit).map((name) => act.form.text(name));
  const end = new Date(asOf.getTime() + actSeconds * 1000);
  return await sealText(realmOf(auth).core, ["act", boundTo], JSON.stringify([act.path, act.formsOf, fields]), end);
}

async function openFor(boundTo: string, visit: UserVisit, sealed: string): Promise<AskedAct | undefined> {
  const { auth, asOf } = visit;
  const text = await openText(realmOf(auth).core, ["act", boundTo], sealed, asOf);
  if (text === undefined) return undefined;
  const [path, formsOf, texts] = JSON.parse(text) as [string, string, readonly string[]];
  const row = actAt(visit, path);
  // Another release may have sealed it.
  if (row?.access !== "user" || !row.afterProof) return undefined;
  const { afterProof, belongsTo } = row;
  const names = fieldsOf(afterProof, visit);
  if (names.length !== texts.length) return undefined;
  const form = new Form(names.map((name, index) => [name, texts[index]!]));
  return { afterProof, belongsTo, path, form, formsOf, sealed };
}

/** Does an act after the proof, in the session that the proof has made. */
export async function goOn(visit: UserVisit, { afterProof, path, form, formsOf }: AskedAct): Promise<Response> {
  const after = { ...visit, formsOf };
  if (afterProof.goOn) return await afterProof.goOn(after, form);
  const row = actAt(visit, path)!;
  return await (row.run as (visit: UserVisit, form: Form) => Response | Promise<Response>)(after, form);
}

function fieldsOf({ fields }: AfterProof, { site }: UserVisit): readonly string[] {
  return typeof fields === "function" ? fields(site) : fields;
}

/** The act at a path, where a page may be as well. */
function actAt({ site }: UserVisit, path: string): PageRoute | undefined {
  return [...accountRoutes, ...(site.rows as readonly PageRoute[])].find(
    (one) => one.path === path && one.takes !== "nothing",
  );
}
