/*
 * How the MiniRAG widget shows Markdown. Fetched by widget.js when a chat begins. Made of widget/ by
 * `python -m widget.build`: change the files there.
 */
customElements.get("minirag-widget").learn((own) => {
  "use strict";
  const { build, link, safeLink } = own;

