  // --- Look ---
  const IN_THE_DARK = "(prefers-color-scheme: dark)";
  const DARK = `
    --primary: #8ea2ff; --primary-hover: #a9b8ff; --bg: #15181f; --text: #edf0f5;
    --border: #38404d; --shadow: 0 16px 48px rgb(0 0 0 / 55%);
    --scheme: dark;`;

  // --- What keeps a page's style sheet out ---
  // What is important here wins over what is important on the page. A bubble's element makes no box, so that nothing can be
  // done to it; bubble and window lie in the browser's top layer, where no transform, filter or clip of the page reaches.
  let styles = `
  :host { visibility: visible !important; zoom: 1 !important; }
  :host(:not([placement="inline"])) { display: contents !important; }
  :host([placement="inline"]) { display: flex !important; flex-direction: column; height: 560px; min-height: 320px !important; }
  :host([hidden]) { display: none !important; }
  .layer { all: initial; display: block; color-scheme: var(--scheme); color: var(--text);
    font: 15px/1.5 system-ui, sans-serif; }
  .layer:popover-open { position: fixed; inset: 0 auto auto 0; width: 0; height: 0; overflow: visible; }
  :host([placement="inline"]) .layer { display: flex; flex: 1; min-height: 0; }
  @media print { :host(:not([placement="inline"])) .layer { display: none; } }
  :host { --primary: #3f51d8; --primary-hover: #3140b8; --bg: #ffffff; --text: #1b2130;
    --border: #d8dde6; --radius: 16px;
    --shadow: 0 16px 48px rgb(20 28 50 / 22%); --on-primary: #ffffff; --scheme: light; }
  @media ${IN_THE_DARK} { :host(:not([theme="light"])) { ${DARK} } }
  :host([theme="dark"]) { ${DARK} }
  .bubble { display: grid; place-items: center; }
  *, *::before, *::after { box-sizing: border-box; } [hidden] { display: none !important; }
  button { font: inherit; color: inherit; cursor: pointer; border: 0; background: none; padding: 0; }
  :focus-visible { outline: 3px solid var(--primary); outline-offset: 2px; }
  svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
    stroke-linejoin: round; display: block; }
  .bubble { position: fixed; z-index: 2147483000; inset-block-end: calc(24px + env(safe-area-inset-bottom)); inset-inline-end: 24px; width: 56px;
    height: 56px; border-radius: 50%; background: var(--primary); color: var(--on-primary); box-shadow: var(--shadow);
    transition: .15s; }
  .bubble:hover { background: var(--primary-hover); transform: scale(1.05); }
  .bubble svg { width: 26px; height: 26px; }
  .bubble.wide { display: flex; align-items: center; gap: 10px; width: auto; max-width: calc(100vw - 48px); padding-inline: 16px 20px;
    border-radius: 32px; font-weight: 600; }
  :host([position="left"]) :is(.bubble, .window, .status) { inset-inline: auto; left: 24px; }
  :host([position="right"]) :is(.bubble, .window, .status) { inset-inline: auto; right: 24px; }
  :host([size="small"]) .bubble { width: 48px; height: 48px; }
  :host([size="large"]) .bubble { width: 64px; height: 64px; }
  .logo { height: 24px; max-width: 96px; object-fit: contain; } .bubble .logo { height: 55%; max-width: 70%; }
  .logo + svg { display: none; }
  .bubble[aria-busy="true"] svg, .bubble[aria-busy="true"] .logo { animation: coming .9s ease-in-out infinite alternate; }
  @keyframes coming { to { opacity: .3; } }
  .status { position: fixed; inset-block-end: 92px; inset-inline-end: 24px; max-width: 320px; margin: 0;
    padding: 12px 16px; background: var(--bg); border: 1px solid var(--border); border-radius: var(--radius); box-shadow: var(--shadow); }
  .status:empty { padding: 0; border: 0; } .status button { min-height: 24px; text-decoration: underline; }
  :host([placement="inline"]) .status { position: static; flex: 1; max-width: none; padding: 16px; border: 1px solid var(--border); box-shadow: none;
    display: grid; place-content: center; justify-items: center; }
  @media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }`;


  const ICONS = {
    chat: ["M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12z", "M9 11h8", "M9 14.5h5"],
    question: ["M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2", "M12 17.5v.01"],
    people: ["M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z", "M2.5 20a6.5 6.5 0 0 1 13 0", "M16 4.3a3.5 3.5 0 0 1 0 6.4", "M18.5 14.5a6.5 6.5 0 0 1 3 5.5"],
  };

