/**
 * What is wrong with the layout of a page, in any browser.
 *
 * @module
 */

/** Elements that do not fit a window of this size. A script for the page, with a list as its value. */
export const faultsOfLayout = `(() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the window");
  const controls = "button, input:not([type=hidden], [type=checkbox]), select, .choice, .button, summary, .brand, nav a";
  for (const control of document.querySelectorAll(controls)) {
    const { width, height } = control.getBoundingClientRect();
    if (width > 0 && (height < 44 || width < 44)) faults.push(control.outerHTML + " is " + width + " by " + height);
    if (width > 0 && parseFloat(getComputedStyle(control).fontSize) < 16) faults.push(control.outerHTML + " is in small print");
  }
  return faults;
})()`;
