/**
 * The Content-Security-Policy of a page: it runs and loads only this site's own files, and cannot be framed (R053, R064).
 *
 * @param widgetOrigin Where the script and the frame of the page's captcha come from. Default: it has none.
 */
export function securityPolicy(widgetOrigin?: string): string {
  const others = widgetOrigin === undefined ? "" : ` ${widgetOrigin}`;
  const frames = widgetOrigin === undefined ? "" : ` frame-src ${widgetOrigin};`;
  return `default-src 'none'; style-src 'self'; script-src 'self'${others};${frames} img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
}
