  // --- How the text of an answer looks ---
  const PROSE = `
  .plain { white-space: pre-wrap; }
  .body > :first-child { margin-block-start: 0; } .body > :last-child { margin-block-end: 0; }
  .body :is(p, ul, ol, pre, blockquote, h3, h4) { margin: 0 0 8px; } .body :is(ul, ol) { padding-inline-start: 22px; }
  .body li > :is(ul, ol) { margin-block: 4px; } .body li > :last-child { margin-block-end: 0; }
  .body :is(h3, h4) { font-size: 1em; font-weight: 650; margin-block-start: 14px; } .body h3 { font-size: 1.1em; }
  .body code { font: .87em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--bg);
    padding: 1px 5px; border-radius: 5px; border: 1px solid var(--border); }
  .body .code { position: relative; margin: 0 0 8px; }
  .body pre { overflow-x: auto; margin: 0; padding: 10px 12px; background: var(--bg); border: 1px solid var(--border);
    border-radius: 8px; direction: ltr; text-align: left; }
  .body pre code { background: none; border: 0; padding: 0; white-space: pre; overflow-wrap: normal; }
  .copy { position: absolute; inset-block-start: 4px; inset-inline-end: 4px; min-height: 26px; padding: 2px 8px; font-size: 12px;
    color: var(--text-secondary); background: var(--bg-secondary); border: 1px solid var(--border); border-radius: 6px; }
  .copy:hover { color: var(--text); border-color: var(--primary); }
  .body blockquote { padding-inline-start: 12px; border-inline-start: 3px solid var(--border); color: var(--text-secondary); }
  .body hr { border: 0; border-block-start: 1px solid var(--border); margin: 12px 0; }
  .body .table { overflow-x: auto; margin: 0 0 8px; } .body table { border-collapse: collapse; font-size: .93em; }
  .body :is(th, td) { border: 1px solid var(--border); padding: 4px 8px; text-align: start; vertical-align: top;
    overflow-wrap: normal; }
  .body th { background: var(--bg); font-weight: 600; } .body .to-right { text-align: end; } .body .to-center { text-align: center; }
  .body img { display: block; max-width: 100%; height: auto; border-radius: 8px; }`;

