/*!
 * "Try it" on a bot's page in the admin: asks the bot as its form has it, over the same socket as visitors.
 * Made of widget/parts by `python -m widget.build`: change those. Text from the network reaches the page as text nodes;
 * the trace of a turn is a part of a page that the server has written.
 */
(() => {
  "use strict";
  const say = window.mrSay || ((text) => text);
  const COPY = { copy: say("Copy"), copied: say("Copied") };
  const PANEL = document.querySelector("[data-trying]");
  if (!PANEL) return;
  const SECRET_FIELDS = ["new_api_key", "new_api_base", "clear_api_key"]; // what is typed there is not tried
  const SESSION_MINUTES = 20;

