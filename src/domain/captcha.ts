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

/** How a form shows a captcha, such as `turnstileWidget(…)` of `sallyport/captcha/turnstile`. */
export interface CaptchaWidget {
  /** The provider's script, which fills the element. A page loads it only if it asks for a captcha, and allows no other origin. */
  readonly scriptUrl: string;
  /** The attributes of the element, such as its class and the site key. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The field in which the script sends the token. */
  readonly field: string;
}
