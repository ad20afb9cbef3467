/*! How MiniRAG shows Markdown, in its widget and in its admin. MIT. Made of widget/ by `python -m widget.build`. */
(() => {
  "use strict";
  const make = (build) => {
