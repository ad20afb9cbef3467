  // --- Look ---
  const DARK = "--bg-secondary: #21262f; --text-secondary: #aab3c2; --danger: #ff9d94;";
  const STYLES = `
  :host { --bg-secondary: #f2f4f8; --text-secondary: #566073; --danger: #b3261e; }
  @media ${own.IN_THE_DARK} { :host(:not([theme="light"])) { ${DARK} } }
  :host([theme="dark"]) { ${DARK} }
  header button, .thumbs button, form.ask button { display: grid; place-items: center; }
  textarea { font: inherit; color: inherit; }
  .only-read { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    white-space: nowrap; }
  .window { display: flex; flex-direction: column; background: var(--bg); border: 1px solid var(--border);
    border-radius: var(--radius); overflow: hidden; position: fixed; z-index: 2147483001; inset-block-end: 92px;
    inset-inline-end: 24px; width: 380px; height: 560px; max-width: calc(100vw - 32px); max-height: calc(100vh - 108px);
    box-shadow: var(--shadow); animation: rise .18s ease-out; }
  :host([size="small"]) .window { width: 340px; height: 480px; inset-block-end: 84px; }
  :host([size="large"]) .window { width: 460px; height: 680px; inset-block-end: 100px; }
  :host([placement="inline"]) .window { position: relative; inset: auto; flex: 1; width: auto; height: auto; max-width: none;
    max-height: none; z-index: auto; box-shadow: none; animation: none; }
  @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
  @media ${NARROW}
  { :host(:not([placement="inline"])) section.window { inset: 0; width: 100%; height: 100%; height: 100dvh; max-width: none;
    max-height: none; border: 0; border-radius: 0;
    padding: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left); } }
  header { display: flex; align-items: center; gap: 4px; padding: 12px 12px 12px 18px; padding-inline: 18px 12px;
    background: var(--primary); color: var(--on-primary); }
  header :focus-visible { outline-color: var(--on-primary); }
  header h2 { flex: 1; min-width: 0; margin: 0; font-size: 16px; font-weight: 600; overflow: hidden;
    text-overflow: ellipsis; white-space: nowrap; }
  header button { width: 36px; height: 36px; border-radius: 10px; }
  header button:hover { background: rgb(127 127 127 / 30%); }
  .log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px; display: flex; flex-direction: column;
    gap: 12px; }
  .message { max-width: 100%; overflow-wrap: anywhere; }
  .message.user { align-self: flex-end; max-width: 85%; padding: 8px 14px; border-radius: 16px;
    border-end-end-radius: 4px; background: var(--primary); color: var(--on-primary); white-space: pre-wrap; }
  .message.assistant { align-self: flex-start; width: 94%; max-width: 620px; }
  .body { width: fit-content; max-width: 100%; padding: 10px 14px; border-radius: 16px; border-end-start-radius: 4px;
    background: var(--bg-secondary); }
  a { color: inherit; text-decoration-color: var(--primary); text-decoration-thickness: 2px;
    text-underline-offset: 2px; }
  .refusal .body { background: none; border: 1px dashed var(--border); }
  .refusal .label { display: flex; gap: 6px; align-items: center; color: var(--text-secondary); font-size: 13px;
    margin-block-end: 4px; }
  .refusal .label svg { width: 16px; height: 16px; }
  .mark { display: inline-block; min-width: 20px; height: 20px; padding: 0 5px; margin-inline: 2px; border-radius: 10px;
    border: 1px solid var(--primary); background: var(--bg); color: var(--text); font-size: 12px; line-height: 18px;
    font-weight: 600; text-align: center; vertical-align: 1px; }
  button.mark:hover { background: var(--primary); color: var(--on-primary); }
  .below { position: relative; min-height: 30px; margin-block-start: 6px; font-size: 13px;
    color: var(--text-secondary); }
  .sources > summary { width: fit-content; } summary { cursor: pointer; border-radius: 6px; padding: 4px 6px; }
  summary:hover { color: var(--text); }
  .sources ol { list-style: none; margin: 4px 0 0; padding: 0; display: grid; gap: 4px; }
  .sources li > * { border: 1px solid var(--border); border-radius: 10px; background: var(--bg); overflow: hidden; }
  .sources li summary { color: var(--text); padding: 6px 10px; } .sources li summary b { margin-inline-end: 4px; }
  .sources li .page { color: var(--text-secondary); }
  .excerpt { margin: 0; padding: 0 10px 8px; white-space: pre-wrap; max-height: 180px; overflow-y: auto; }
  .sources li > a, .sources li > span { display: block; padding: 6px 10px; color: var(--text); }
  .sources details a { display: inline-block; margin: 0 10px 8px; color: var(--text); }
  .shown { animation: shown 1.2s ease-out; }
  @keyframes shown { from { box-shadow: 0 0 0 3px var(--primary); } to { box-shadow: 0 0 0 3px transparent; } }
  .thumbs { position: absolute; inset-block-start: 0; inset-inline-end: 0; display: flex; gap: 2px; }
  .thumbs button { width: 30px; height: 30px; border-radius: 8px; }
  .thumbs button:hover { background: var(--bg-secondary); color: var(--text); }
  .thumbs button[aria-pressed="true"] { background: var(--primary); color: var(--on-primary); }
  .thumbs svg { width: 16px; height: 16px; } .typing { display: flex; gap: 5px; padding: 6px 2px; }
  .typing i { width: 7px; height: 7px; border-radius: 50%; background: var(--text-secondary);
    animation: blink 1.2s infinite; }
  .typing i:nth-child(2) { animation-delay: .2s; } .typing i:nth-child(3) { animation-delay: .4s; }
  @keyframes blink { 0%, 60%, 100% { opacity: .25; } 30% { opacity: 1; } }
  .note { color: var(--text-secondary); font-size: 13px; margin: 4px 0 0; }
  .card { border: 1px solid var(--danger); border-inline-start-width: 4px; border-radius: 10px; padding: 10px 14px; }
  .card.quiet { border-color: var(--border); } .card p { margin: 0; }
  .card button, .again { margin-block-start: 8px; padding: 5px 14px; border-radius: 8px; border: 1px solid var(--border);
    background: var(--bg-secondary); font-weight: 600; }
  .suggestions { display: flex; flex-direction: column; align-items: flex-start; gap: 8px; }
  .suggestions button { text-align: start; padding: 7px 14px; border: 1px solid var(--border); border-radius: 18px;
    background: var(--bg); }
  .suggestions button:hover { border-color: var(--primary); background: var(--bg-secondary); }
  .help { display: grid; gap: 10px; margin-block-start: 8px; } .help:empty { margin: 0; } .help p { margin: 0; font-size: 13px;
    color: var(--text-secondary); } .help a { color: var(--text); }
  .near ul { list-style: none; margin: 4px 0 0; padding: 0; display: grid; gap: 4px; }
  .near li > * { border: 1px solid var(--border); border-radius: 10px; background: var(--bg); overflow: hidden; }
  .near li > a { display: block; padding: 6px 10px; } .near li > :hover { border-color: var(--primary); }
  .near summary { padding: 6px 10px; } .near .excerpt { padding: 0 10px 8px; color: var(--text); }
  .company { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; justify-content: space-between;
    padding: 6px 14px; font-size: 13px; border-block-start: 1px solid var(--border); }
  .company.here { background: var(--bg-secondary); font-weight: 600; }
  .company button { padding: 4px 10px; border: 1px solid var(--border); border-radius: 12px; margin-inline-start: auto; }
  .company button:hover { border-color: var(--primary); }
  .typing-line { margin: 0; padding: 0 16px; min-height: 0; font-size: 13px; color: var(--text-secondary); }
  .line { margin: 0; text-align: center; font-size: 13px; color: var(--text-secondary); }
  .person .body { border: 1px solid var(--primary); }
  .bubble.news::after { content: attr(data-news); position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-width: 24px;
    padding: 0 5px; border-radius: 12px; background: var(--danger); color: var(--bg); border: 2px solid var(--bg); font: 700 12px/20px system-ui; }
  .edit { position: absolute; inset: 50% 100% auto auto; translate: 0 -50%; width: 30px; height: 30px; margin: 0 4px;
    display: grid; place-items: center; border-radius: 8px; color: var(--text-secondary); } .edit svg { width: 16px; height: 16px; }
  .edit:hover { background: var(--bg-secondary); color: var(--text); } .message.user { position: relative; }
  [dir=rtl] .edit { inset: 50% auto auto 100%; }
  form.ask { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px 4px;
    border-block-start: 1px solid var(--border); }
  form.ask textarea { flex: 1; resize: none; max-height: 132px; padding: 8px 12px; border: 1px solid var(--border);
    border-radius: 12px; background: var(--bg-secondary); line-height: 22px; font-size: 16px; }
  form.ask textarea::placeholder { color: var(--text-secondary); opacity: 1; }
  form.ask button { flex: none; width: 40px; height: 40px; border-radius: 12px; background: var(--primary);
    color: var(--on-primary); }
  form.ask button[data-icon="stop"] path { fill: currentColor; } form.ask button:hover { background: var(--primary-hover); }
  footer { padding: 2px 14px 8px; font-size: 12px; color: var(--text-secondary); text-align: center; }
  @media (prefers-reduced-motion: reduce) { *, *::before, *::after { animation-duration: .01ms !important;
    animation-iteration-count: 1 !important; transition: none !important; scroll-behavior: auto !important; } }`;

  const MORE_ICONS = {
    close: ["M6 6l12 12", "M18 6L6 18"],
    restart: ["M4 4v6h6", "M4.6 15a8 8 0 1 0 .9-7.2L4 10"],
    send: ["M12 19V5", "M5.5 11.5L12 5l6.5 6.5"],
    stop: ["M7 7h10v10H7z"],
    menu: ["M5 7h14", "M5 12h14", "M5 17h14"],
    edit: ["M5 19l1-4L16 5l3 3L9 18z", "M14 7l3 3"],
    search: ["M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z", "M20 20l-5-5", "M8 10.5h5"],
    up: ["M7 11v9H4v-9z", "M7 11l4-7a2.2 2.2 0 0 1 2 3l-.8 3H18a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.800 20H7"],
    down: ["M7 13V4H4v9z", "M7 13l4 7a2.2 2.2 0 0 0 2-3l-.8-3H18a2 2 0 0 0 2-2.400l-1.2-6A2 2 0 0 0 16.800 4H7"],
  };

