/** True for a path of this site that no parser reads as another host, and for an https URL, or http on loopback, in its normal form. */
export function isReturnPlace(place: unknown): place is string {
  if (typeof place !== "string") return false;
  if (place.startsWith("/")) return /^\/(?![/\\])[\x21-\x7e]*$/.test(place) && !place.includes("\\");
  const isWeb = /^https:|^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(place);
  return isWeb && URL.canParse(place) && new URL(place).href === place;
}
