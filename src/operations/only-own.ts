/** How far an act reaches that its owner and administrators may do. */
export interface OnlyOwn {
  /** The act is on one's own account: administrators reach nobody else's by it. Default false. */
  onlyOwn?: boolean;
}
