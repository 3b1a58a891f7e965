import type { Database } from "sallyport";

/** The one token that the canned database knows. */
export const cannedToken = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
export const cannedSealingKey = "1:VFM9B9H-rSRCDoK54oqhz47TrCxuOgVLDQcEeCIJQeA";
export const cannedSecret = "dGhpcyBpcyBhIGJlbmNobWFyayBvZiBTYWxseXBvcnQsIHdpdGhvdXQgYW55Ym9keQ";

const at = new Date("2026-01-01T00:00:00Z");

/** The row of a live session. */
export const cannedRow = {
  refusal: null,
  identifier: "ada@example.com",
  asOf: at,
  id: "01a201cf-78e9-765d-b3bb-7710b1fd390a",
  userId: "01a201cf-78f5-79ef-a955-a08f13a107b3",
  credentialId: "01a201cf-78f5-79ef-a955-a090d0a178bf",
  createdAt: at,
  expiresAt: at,
  revokedAt: null,
  mfaVerifiedAt: null,
  authTime: at,
  amr: ["pwd"],
  transport: "token",
  lastSeenAt: at,
  userAgent: null,
  address: null,
  userStatus: "active",
  displayName: "Ada",
  userCreatedAt: at,
  userUpdatedAt: at,
};

/** A database that answers at once, so that only Sallyport is measured. */
export const cannedDatabase: Database = {
  run: async <Row>() => [cannedRow as Row],
  batch: async (statements) => statements.map(() => [cannedRow]),
};
