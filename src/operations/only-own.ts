/** How far an act reaches that its owner and administrators may do. */
export interface OnlyOwn {
  /** The act is on one's own account: administrators cannot reach another user's with it. Default false. */
  onlyOwn?: boolean;
}
