/** The error with which a driver rejects. */
export abstract class DriverError extends Error {
  /** The meaning of the error's code, for an operator: fixed text without values. */
  readonly meaning: string | undefined;

  constructor(message: string, meaning: string | undefined) {
    super(message);
    this.meaning = meaning;
  }
}
