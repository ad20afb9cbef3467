/*!
 * The inbox of a tenant's admin: chats that wait, and one of them as it goes on.
 * Made of widget/ by `python -m widget.build`: change the files there. Text from the network reaches the page as text nodes only.
 */
(() => {
  "use strict";
  const say = window.mrSay || ((text) => text);
  const place = document.querySelector("[data-inbox]");
  if (!place) return;
  const ICONS = {};
  const COPY = { copy: say("Copy"), copied: say("Copied") };

