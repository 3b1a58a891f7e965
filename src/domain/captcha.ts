/** What a request tells about a captcha, besides its token. */
export interface CaptchaContext {
  /** The client's address in one spelling, without port or brackets, if it is known. */
  readonly address: string | undefined;
}

/** What checks the token that a captcha gave to a page, such as `turnstile(…)` of `sallyport/captcha/turnstile`. */
export interface Captcha {
  /**
   * True if a person solved the captcha for this token and this site, and the token was not used before.
   *
   * Rejects if the token could not be checked. The request is then refused with 503.
   *
   * @param token Text of the client's, of any length and form.
   */
  verify(token: string, context: CaptchaContext): Promise<boolean>;
}
