/*!
 * A chat's page in the admin: its texts as visitors see them, and each number of a citation opens its passage.
 * Made of widget/ by `python -m widget.build`: change the files there. Text of the page stays text nodes.
 */
(() => {
  "use strict";
  const ICONS = {};
  const say = window.mrSay || ((text) => text);
  const COPY = { copy: say("Copy"), copied: say("Copied") };

