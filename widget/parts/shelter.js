  // --- What keeps a page's style sheet out ---
  // What is important here wins over what is important on the page. A bubble's element makes no box, so that nothing can be
  // done to it; bubble and window lie in the browser's top layer, where no transform, filter or clip of the page reaches.
  const SHELTER = `
  :host { visibility: visible !important; zoom: 1 !important; }
  :host(:not([placement="inline"])) { display: contents !important; }
  :host([placement="inline"]) { display: flex !important; flex-direction: column; float: none !important; position: relative !important;
    inset: auto !important; opacity: 1 !important; visibility: visible !important; filter: none !important; backdrop-filter: none !important;
    transform: none !important; translate: none !important; rotate: none !important; scale: none !important; clip-path: none !important;
    mask: none !important; mix-blend-mode: normal !important; contain: none !important; content-visibility: visible !important;
    columns: auto !important; padding: 0 !important; border: 0 !important; pointer-events: auto !important;
    height: 560px; min-height: 320px !important; }
  :host([hidden]) { display: none !important; }
  .layer { all: initial; display: block; color-scheme: var(--scheme); color: var(--text);
    font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  .layer:popover-open { position: fixed; inset: 0 auto auto 0; width: 0; height: 0; overflow: visible; }
  :host([placement="inline"]) .layer { display: flex; flex: 1; min-height: 0; }
  :host([placement="inline"]) .window { min-height: 0; }
  @media print { :host(:not([placement="inline"])) .layer { display: none; } }`;

