/**
 * Which users may write which tuples: the option `writers`, and the rows that statements read.
 *
 * @module
 */
import { systemObjectType } from "./administrator.ts";
import { idTypes } from "./id.ts";
import { below, fault, isPlainObject, members, only, relationAt, typeAt } from "./rule-option.ts";

/**
 * Who may write the tuples of one relation: the relation that a user must hold on the object. The subjects of such tuples are users.
 *
 * If the subject is another object, such as the folder of a document, name also the relation that the user must hold on it.
 */
export type TupleWriter = string | { readonly object: string; readonly subject?: string };

/** The relations whose tuples users may write, by the type of their object. */
export type TupleWriters = Readonly<Record<string, Readonly<Record<string, TupleWriter>>>>;

/** The writers of one relation. `onSubject` is empty if the subjects are users. */
export interface WriterRule {
  readonly objectType: string;
  readonly relation: string;
  readonly onObject: string;
  readonly onSubject: string;
}

/** The types whose tuples follow from other records: users write those records instead. */
const registeredTypes: ReadonlySet<string> = new Set([...idTypes, systemObjectType]);

/**
 * Reads the option `writers`.
 *
 * @param isFollowed Whether a rewrite rule follows tuples of a relation from objects of a type to their subjects.
 * @throws {OptionError} It names the place of the first fault, such as `writers.doc.viewer`.
 */
export function compileWriters(
  writers: unknown,
  isFollowed: (objectType: string, relation: string) => boolean,
): readonly WriterRule[] {
  return members(writers, "writers").flatMap(([type, relations]) => {
    const place = below("writers", type);
    const objectType = typeAt(type, place);
    if (registeredTypes.has(type)) throw fault(type, place, "a type of your own");
    return members(relations, place).map(([name, writer]) => {
      const at = below(place, name);
      const relation = relationAt(name, at);
      const { object, subject } = isPlainObject(writer)
        ? only(writer, at, ["object", "subject"])
        : { object: writer, subject: undefined };
      const onObject = relationAt(object, isPlainObject(writer) ? `${at}.object` : at);
      // Otherwise they could link objects that they have no right to.
      if (subject === undefined && isFollowed(objectType, relation)) {
        throw fault(subject, `${at}.subject`, "a relation, because a rule follows these tuples");
      }
      return {
        objectType,
        relation,
        onObject,
        onSubject: subject === undefined ? "" : relationAt(subject, `${at}.subject`),
      };
    });
  });
}
