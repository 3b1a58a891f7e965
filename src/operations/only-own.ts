/** The reach of an act that both its owner and administrators may do. */
export interface OnlyOwn {
  /** Limits the act to the actor's own account: administrators cannot reach another user's with it. Default false. */
  onlyOwn?: boolean;
}
