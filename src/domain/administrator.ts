/**
 * Administrators hold one relation on one reserved object (S06). The object's type is reserved too: only the administrator
 * operations write tuples on it.
 */
export const administratorRelation = "administrator";
export const systemObjectType = "sys";
/** "system" in ASCII and a version of 8 (RFC 9562 §5.8): one fixed object, compared whole. */
export const systemObjectId = "73797374-656d-8000-8000-000000000000";
