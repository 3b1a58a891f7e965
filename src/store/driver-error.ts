/** What a driver rejects with. */
export abstract class DriverError extends Error {
  /** What the error's code means, for an operator: fixed text, which holds no values. */
  readonly meaning: string | undefined;

  constructor(message: string, meaning: string | undefined) {
    super(message);
    this.meaning = meaning;
  }
}
