/*! MiniRAG, MIT: python -m widget.build */
(() => {
  "use strict";
  const make = (build) => {
