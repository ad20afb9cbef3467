  // --- What keeps a page's style sheet out, of an element that stands in the page; the loader has the rest ---
  const SHELTER = `
  :host([placement="inline"]) { float: none !important; position: relative !important;
    inset: auto !important; opacity: 1 !important; visibility: visible !important; filter: none !important; backdrop-filter: none !important;
    transform: none !important; translate: none !important; rotate: none !important; scale: none !important; clip-path: none !important;
    mask: none !important; mix-blend-mode: normal !important; contain: none !important; content-visibility: visible !important;
    columns: auto !important; padding: 0 !important; border: 0 !important; pointer-events: auto !important;
  }
  :host([placement="inline"]) .window { min-height: 0; }`;

