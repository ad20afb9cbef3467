/* The tenant's accent comes from a meta element: with style-src 'self' a page cannot carry a style attribute. */
(() => {
  "use strict";
  const accent = document.querySelector('meta[name="accent"]').content;
  if (!CSS.supports("color", accent)) return;
  document.documentElement.style.setProperty("--accent", accent);
})();
