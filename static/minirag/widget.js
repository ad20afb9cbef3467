/*
 * <minirag-widget>: a chat with one MiniRAG bot, in one file without a dependency.
 * Made of widget/parts by `python -m widget.build`: change those.
 *
 *   <script src="https://host/static/minirag/widget.js" data-bot-id="…" defer></script>
 *
 * The page carries the bot's id and nothing secret. The server gives a short-lived session to an allowed origin; the
 * session token goes into the first WebSocket frame, never into a URL. Text from the network reaches the page as text
 * nodes only. Any element of the page with a data-minirag-ask attribute asks its question when it is clicked.
 */
(() => {
  "use strict";
  const SCRIPT = document.currentScript;

  /** One script tag is enough: it inserts its bot's element, unless the page has placed one. Each tag has its own bot. */
  function insert() {
    const bot = SCRIPT && SCRIPT.dataset.botId;
    const isThere = (widget) => [null, bot].includes(widget.getAttribute("bot-id"));
    if (!bot || [...document.querySelectorAll("minirag-widget")].some(isThere)) return;
    const widget = Object.assign(document.createElement("minirag-widget"), { madeBy: SCRIPT });
    widget.setAttribute("bot-id", bot);
    document.body.append(widget);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", insert);
  else queueMicrotask(insert); // when the element is defined below
  if (customElements.get("minirag-widget")) return; // a second tag, or the same one again

  const MAX_QUESTION_LENGTH = 32000;
  const BACKOFF_SECONDS = [0.4, 1, 2, 4, 8];
  const MAX_DROPS = 8; // sockets that may break under one answer
  const SILENCE_SECONDS = 75;
  const STOP_PATIENCE_SECONDS = 3;
  // A new session cures these, or tells what is the matter: it ran out, its bot or its chat is gone.
  const CURED_BY_RENEWAL = new Set(["session_expired", "session_invalid", "not_found"]);
  // What visitors are told in their own language; what the server says of these is for whoever pays.
  const OWN_WORDS = {
    identity_expired: "identity", identity_invalid: "identity", identity_used: "identity",
    rate_limited: "rate_limited", quota_exceeded: "quota_exceeded", budget_exceeded: "quota_exceeded",
    server_stopping: "interrupted",
  };
  const NARROW = "(max-width: 480px)";
  // Attributes that are properties as well, as frameworks like to set them.
  const ATTRIBUTES = [
    "bot-id", "api-url", "identity", "tags", "greeting", "placeholder", "placement", "theme", "position", "size",
  ];
  const DRAWN = ["bot-id", "api-url", "lang", "placement", "greeting", "placeholder"]; // anew where they change
  const CONTEXT = ["tags", "dataset_ids", "source_ids", "languages", "dated_from", "dated_until"];
  const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

  // --- Words ---
  // English is here. Each other language is a file beside this script, which only pages that want it fetch.
  const LANGUAGES = ["ar", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "tr", "uk", "zh"]; // both put here by widget.build, of static/minirag/words
  const ENGLISH = { ...{"dir": "ltr", "title": "MiniRAG Chat", "open": "Open chat", "close": "Close chat", "greeting": "Hello! Ask me anything about our documents.", "placeholder": "Type your question…", "question": "Your question", "send": "Send", "stop": "Stop the answer", "stopped": "Stopped.", "cut_length": "The answer was cut off: it reached its greatest length.", "cut_content_filter": "The answer was cut off by the provider's content filter.", "restart": "New conversation", "log": "Conversation", "you": "You", "answering": "An answer is being written", "suggestions": "Suggested questions", "source": "Source {n}: {title}", "sources": {"one": "1 source", "other": "{n} sources"}, "untitled": "Document", "page": "page {n}", "openSource": "Open the source", "refused": "Not found in the documents", "helpful": "Helpful", "unhelpful": "Not helpful", "retry": "Retry", "reconnecting": "Connecting again…", "network": "No connection to the assistant. Please check your network.", "interrupted": "The connection broke off before the answer was complete.", "timeout": "The answer is taking too long.", "failed": "Something went wrong. Please try again.", "unavailable": "This assistant is not available at the moment.", "identity": "You are not signed in any more. Please reload the page.", "rate_limited": "That was a lot of questions at once. Please wait a moment.", "quota_exceeded": "This assistant has answered all the questions it may for now. Please come back later.", "notice": "Answers can be wrong. Check the sources.", "askPerson": "Talk to a person", "waiting": "A person has been called. You can go on asking meanwhile.", "withdraw": "No longer needed", "here": "{name} is here and answers you.", "person": "A person", "typing": "{name} is typing…", "back": "The assistant answers again.", "gone": "The person had to leave. Somebody else has been called.", "away": "Nobody is here at the moment.", "opens": "We are here again: {when}.", "leaveHint": "Leave a message, and you will get an answer by e-mail.", "leave": "Send message", "yourMail": "Your e-mail address", "yourName": "Your name (optional)", "yourMessage": "Your message", "leftShort": "Your message is with us. The answer comes by e-mail.", "left": "Thank you. Your message has been sent; the answer comes by e-mail.", "too_many_handoffs": "You are waiting for a person in other conversations already."}, tag: "en" };
  const DICTIONARIES = { en: ENGLISH };

  /** The first wanted language that there are words for, else English: "pt-BR" and "pt_br" are Portuguese. */
  function chooseLanguage(wanted) {
    for (const tag of wanted) {
      const subtags = tag.toLowerCase().split(/[-_]/);
      for (; subtags.length; subtags.pop()) {
        if (LANGUAGES.includes(subtags.join("-"))) return subtags.join("-");
      }
    }
    return "en";
  }

  /** Where the words are: beside the script as MiniRAG serves it, else at the server that the widget talks to. */
  function findWords(language, apiUrl) {
    const isOurs = SCRIPT && /\/static\/minirag\/[^/]+$/.test(SCRIPT.src.replace(/[?#].*$/, ""));
    return new URL(`words/${language}.json`, isOurs ? SCRIPT.src : new URL("/static/minirag/", apiUrl)).href;
  }

  /** Words of a language. What its file lacks, or all where it cannot be had, is English. */
  async function fetchWords(language, apiUrl) {
    if (DICTIONARIES[language]) return DICTIONARIES[language];
    const asked = { credentials: "omit", signal: AbortSignal.timeout(5000) };
    const answer = await fetch(findWords(language, apiUrl), asked).catch(() => null);
    const words = answer && answer.ok ? await answer.json().catch(() => null) : null;
    if (!words) return ENGLISH;
    DICTIONARIES[language] = { ...ENGLISH, ...words, tag: language };
    return DICTIONARIES[language];
  }

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

  /** Words that depend on a number, in the form that the language has for it: {one: …, few: …, other: …}. */
  const count = (words, name, n) => fill(words[name][new Intl.PluralRules(words.tag).select(n)] || words[name].other, { n });

  // --- Look ---
  const IN_THE_DARK = "(prefers-color-scheme: dark)";
  const DARK = `
    --primary: #8ea2ff; --primary-hover: #a9b8ff; --bg: #15181f; --bg-secondary: #21262f; --text: #edf0f5;
    --text-secondary: #aab3c2; --border: #38404d; --danger: #ff9d94; --shadow: 0 16px 48px rgb(0 0 0 / 55%);
    color-scheme: dark;`;

  const STYLES = `
  :host { --primary: #3f51d8; --primary-hover: #3140b8; --bg: #ffffff; --bg-secondary: #f2f4f8; --text: #1b2130;
    --text-secondary: #566073; --border: #d8dde6; --danger: #b3261e; --radius: 16px;
    --shadow: 0 16px 48px rgb(20 28 50 / 22%); --on-primary: #ffffff; color-scheme: light;
    font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: var(--text); }
  @media ${IN_THE_DARK} { :host(:not([theme="light"])) { ${DARK} } }
  :host([theme="dark"]) { ${DARK} } :host([placement="inline"]) { display: block; height: 560px; }
  .bubble, header button, .thumbs button, form.ask button { display: grid; place-items: center; }
  *, *::before, *::after { box-sizing: border-box; } [hidden] { display: none !important; }
  button, textarea { font: inherit; color: inherit; }
  button { cursor: pointer; border: 0; background: none; padding: 0; }
  :focus-visible { outline: 3px solid var(--primary); outline-offset: 2px; }
  svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
    stroke-linejoin: round; display: block; }
  .only-read { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
    white-space: nowrap; }
  .bubble { position: fixed; z-index: 2147483000; inset-block-end: 24px; inset-inline-end: 24px; width: 56px;
    height: 56px; border-radius: 50%; background: var(--primary); color: var(--on-primary); box-shadow: var(--shadow);
    transition: background .15s, transform .15s; }
  .bubble:hover { background: var(--primary-hover); transform: scale(1.05); }
  .bubble svg { width: 26px; height: 26px; }
  .window { display: flex; flex-direction: column; background: var(--bg); border: 1px solid var(--border);
    border-radius: var(--radius); overflow: hidden; position: fixed; z-index: 2147483001; inset-block-end: 92px;
    inset-inline-end: 24px; width: 380px; height: 560px; max-width: calc(100vw - 32px); max-height: calc(100vh - 108px);
    box-shadow: var(--shadow); animation: rise .18s ease-out; }
  :host([position="left"]) :is(.bubble, .window) { inset-inline: auto; left: 24px; }
  :host([position="right"]) :is(.bubble, .window) { inset-inline: auto; right: 24px; }
  :host([size="small"]) .bubble { width: 48px; height: 48px; }
  :host([size="large"]) .bubble { width: 64px; height: 64px; }
  :host([size="small"]) .window { width: 340px; height: 480px; inset-block-end: 84px; }
  :host([size="large"]) .window { width: 460px; height: 680px; inset-block-end: 100px; }
  .logo { height: 24px; max-width: 96px; object-fit: contain; } .bubble .logo { height: 55%; max-width: 70%; }
  .logo + svg { display: none; }
  :host([placement="inline"]) .window { position: relative; inset: auto; width: 100%; height: 100%; max-width: none;
    max-height: none; z-index: auto; box-shadow: none; animation: none; }
  @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
  @media ${NARROW}
  { :host(:not([placement="inline"])) section.window { inset: 0; width: 100%; height: 100%; height: 100dvh; max-width: none;
    max-height: none; border: 0; border-radius: 0; padding-block-end: env(safe-area-inset-bottom); } }
  header { display: flex; align-items: center; gap: 4px; padding: 12px 12px 12px 18px; padding-inline: 18px 12px;
    background: var(--primary); color: var(--on-primary); }
  header :focus-visible { outline-color: var(--on-primary); }
  header h2 { flex: 1; min-width: 0; margin: 0; text-align: match-parent; font-size: 16px; font-weight: 600; overflow: hidden;
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
  .body > :first-child { margin-block-start: 0; } .body > :last-child { margin-block-end: 0; }
  .body p, .body ul, .body ol, .body pre { margin: 0 0 8px; } .body ul, .body ol { padding-inline-start: 22px; }
  .body code { font: 13px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--bg);
    padding: 1px 5px; border-radius: 5px; border: 1px solid var(--border); }
  .body pre { overflow-x: auto; padding: 8px 10px; background: var(--bg); border: 1px solid var(--border);
    border-radius: 8px; }
  .body pre code { background: none; border: 0; padding: 0; }
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
  .card button { margin-block-start: 8px; padding: 5px 14px; border-radius: 8px; border: 1px solid var(--border);
    background: var(--bg-secondary); font-weight: 600; }
  .suggestions { display: flex; flex-direction: column; align-items: flex-start; gap: 8px; }
  .suggestions button { text-align: start; padding: 7px 14px; border: 1px solid var(--border); border-radius: 18px;
    background: var(--bg); }
  .suggestions button:hover { border-color: var(--primary); background: var(--bg-secondary); }
  .help { display: grid; gap: 10px; margin-block-start: 8px; } .help p { margin: 0; font-size: 13px;
    color: var(--text-secondary); } .help a { color: var(--text); }
  .near ul { list-style: none; margin: 4px 0 0; padding: 0; display: grid; gap: 4px; }
  .near li > * { border: 1px solid var(--border); border-radius: 10px; background: var(--bg); overflow: hidden; }
  .near li > a { display: block; padding: 6px 10px; } .near li > :hover { border-color: var(--primary); }
  .near summary { padding: 6px 10px; } .near .excerpt { padding: 0 10px 8px; color: var(--text); }
  .company { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; justify-content: space-between;
    padding: 6px 14px; font-size: 13px; border-block-start: 1px solid var(--border); }
  .company.here { background: var(--bg-secondary); font-weight: 600; }
  .company button { padding: 4px 10px; border: 1px solid var(--border); border-radius: 12px; margin-inline-start: auto; }
  .company button:hover, .contact-form button:hover { border-color: var(--primary); }
  .typing-line { margin: 0; padding: 0 16px; min-height: 0; font-size: 13px; color: var(--text-secondary); }
  .line { margin: 0; text-align: center; font-size: 13px; color: var(--text-secondary); }
  .person .body { border: 1px solid var(--primary); }
  .bubble.news::after { content: ""; position: absolute; inset-block-start: 2px; inset-inline-end: 2px; width: 14px;
    height: 14px; border-radius: 50%; background: var(--danger); border: 2px solid var(--bg); }
  .contact-form { display: grid; gap: 8px; padding: 12px; border: 1px solid var(--border); border-radius: 12px; }
  .contact-form p { margin: 0; } .contact-form label { display: grid; gap: 2px; font-size: 13px; }
  .contact-form input, .contact-form textarea { font: inherit; color: inherit; padding: 8px 10px; font-size: 16px;
    border: 1px solid var(--border); border-radius: 8px; background: var(--bg-secondary); resize: vertical; }
  .contact-form button { padding: 8px 14px; border: 1px solid var(--border); border-radius: 12px; font-weight: 600; }
  form.ask { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px 4px;
    border-block-start: 1px solid var(--border); }
  form.ask textarea { flex: 1; resize: none; max-height: 132px; padding: 8px 12px; border: 1px solid var(--border);
    border-radius: 12px; background: var(--bg-secondary); line-height: 22px; font-size: 16px; }
  form.ask textarea::placeholder { color: var(--text-secondary); opacity: 1; }
  form.ask button { flex: none; width: 40px; height: 40px; border-radius: 12px; background: var(--primary);
    color: var(--on-primary); }
  form.ask button:hover { background: var(--primary-hover); }
  footer { padding: 2px 14px 8px; font-size: 12px; color: var(--text-secondary); text-align: center; }
  @media (prefers-reduced-motion: reduce) { *, *::before, *::after { animation-duration: .01ms !important;
    animation-iteration-count: 1 !important; transition: none !important; scroll-behavior: auto !important; } }`;

  const ICONS = {
    chat: ["M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12z", "M9 11h8", "M9 14.5h5"],
    close: ["M6 6l12 12", "M18 6L6 18"],
    restart: ["M4 4v6h6", "M4.6 15a8 8 0 1 0 .9-7.2L4 10"],
    send: ["M12 19V5", "M5.5 11.5L12 5l6.5 6.5"],
    stop: ["M7 7h10v10H7z"],
    search: ["M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z", "M20 20l-5-5", "M8 10.5h5"],
    up: ["M7 11v9H4v-9z", "M7 11l4-7a2.2 2.2 0 0 1 2 3l-.8 3H18a2 2 0 0 1 2 2.4l-1.2 6A2 2 0 0 1 16.800 20H7"],
    down: ["M7 13V4H4v9z", "M7 13l4 7a2.2 2.2 0 0 0 2-3l-.8-3H18a2 2 0 0 0 2-2.400l-1.200-6A2 2 0 0 0 16.800 4H7"],
  };

  // --- Small builders ---
  /** An element with properties ("aria-…", "data-…" and other dashed names become attributes) and children. */
  function build(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name.includes("-") || name === "role") element.setAttribute(name, value);
      else element[name] = value;
    }
    element.append(...children);
    return element;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const line of ICONS[name]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", line);
      if (name === "stop") path.setAttribute("fill", "currentColor");
      svg.append(path);
    }
    return svg;
  }

  const iconButton = (name, label, onclick, more) =>
    build("button", { type: "button", title: label, "aria-label": label, onclick, ...more }, icon(name));

  /** A random UUID; crypto.randomUUID exists on secure origins only. */
  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  const safeUrl = (text) => (/^https?:\/\/\S+$/i.test(text) ? text : null);

  const tellCitation = ({ number, title, url, page }) => ({ number, title, url: safeUrl(url || "") || "", page: page || null });

  const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
  const NEW_TAB = { target: "_blank", rel: "noopener noreferrer nofollow" };
  const link = (href, text) => build("a", { href, ...NEW_TAB }, text);

  // --- Markdown, as far as answers use it ---
  const INLINE = new RegExp(
    [
      "`([^`\\n]+)`", // 1 code
      "\\*\\*(\\S(?:[^\\n]*?\\S)?)\\*\\*", // 2 bold
      "\\*(\\S(?:[^*\\n]*?\\S)?)\\*", // 3 italics
      "_(\\S(?:[^_\\n]*?\\S)?)_(?![\\p{L}\\p{N}_])", // 4 italics
      "\\[([^\\]\\n]+)\\]\\(([^\\s()]+)\\)", // 5 text and 6 target of a link
      "\\[(\\d{1,3}(?:\\s*,\\s*\\d{1,3})*)\\]", // 7 citation markers
      "(https?://[^\\s<>()\\[\\]]*[^\\s<>()\\[\\].,;:!?'\"*_])", // 8 a bare URL
    ].join("|"),
    "gu",
  );

  /** Nodes for one stretch of text. `mark(number)` gives the node of a citation, or null to leave the text alone. */
  function renderInline(text, mark) {
    const nodes = [];
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
      const [whole, code, bold, star, underscore, label, target, numbers, bare] = match;
      let made = null;
      if (code) made = [build("code", {}, code)];
      else if (bold) made = [build("strong", {}, ...renderInline(bold, mark))];
      else if (underscore && /[\p{L}\p{N}_]$/u.test(text.slice(0, match.index))) made = null; // snake_case_name
      else if (star || underscore) made = [build("em", {}, ...renderInline(star || underscore, mark))];
      else if (label) made = safeUrl(target) && [link(safeUrl(target), label)];
      else if (numbers) made = numbers.split(",").map((number) => mark(Number(number))).filter(Boolean);
      else if (bare) made = safeUrl(bare) && [link(safeUrl(bare), bare)];
      if (!made || !made.length) continue;
      nodes.push(text.slice(end, match.index), ...made);
      end = match.index + whole.length;
    }
    return [...nodes, text.slice(end)].filter((node) => node !== "");
  }

  const LIST_ITEM = /^\s*(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/;

  /** Paragraphs, lists, fenced code and headings (as bold paragraphs) of an answer. */
  function renderMarkdown(text, mark) {
    const blocks = document.createDocumentFragment();
    const lines = text.replace(/\r\n?/g, "\n").split("\n");
    for (let at = 0; at < lines.length; ) {
      const start = at;
      if (!lines[at].trim()) {
        at += 1;
      } else if (lines[at].trimStart().startsWith("```")) {
        for (at += 1; at < lines.length && !lines[at].trimStart().startsWith("```"); ) at += 1;
        blocks.append(build("pre", {}, build("code", {}, lines.slice(start + 1, at).join("\n"))));
        at += 1;
      } else if (LIST_ITEM.test(lines[at])) {
        const list = build(LIST_ITEM.exec(lines[at])[1] ? "ol" : "ul", { dir: "auto" });
        if (list.tagName === "OL") list.start = Number(LIST_ITEM.exec(lines[at])[1]);
        for (; at < lines.length && lines[at].trim(); at += 1) {
          const item = LIST_ITEM.exec(lines[at]);
          if (item) list.append(build("li", {}, ...renderInline(item[2], mark)));
          else list.lastChild.append(" ", ...renderInline(lines[at].trim(), mark));
        }
        blocks.append(list);
      } else if (/^#{1,6}\s/.test(lines[at])) {
        const heading = lines[at].replace(/^#+\s+/, "");
        blocks.append(build("p", { dir: "auto" }, build("strong", {}, ...renderInline(heading, mark))));
        at += 1;
      } else {
        while (at < lines.length && lines[at].trim() && !/^\s*```|^#{1,6}\s/.test(lines[at])) {
          if (at > start && LIST_ITEM.test(lines[at])) break;
          at += 1;
        }
        const nodes = lines.slice(start, at).flatMap((line) => [build("br"), ...renderInline(line, mark)]);
        blocks.append(build("p", { dir: "auto" }, ...nodes.slice(1)));
      }
    }
    return blocks;
  }

  // --- What the browser remembers ---
  /** Visitor id and last chat of one bot; falls back to memory where storage is forbidden. */
  class Memory {
    constructor(botId) {
      this.key = `minirag:${botId}`;
      this.values = {};
      try {
        this.values = JSON.parse(localStorage.getItem(this.key)) || {};
      } catch {} // storage is forbidden or damaged: start anew
      if (!this.values.visitor_id) this.set("visitor_id", randomId());
    }

    /** Another visitor from now on, who has asked nothing. */
    forget() {
      this.values = {};
      this.set("visitor_id", randomId());
    }

    set(name, value) {
      this.values[name] = value;
      try {
        localStorage.setItem(this.key, JSON.stringify(this.values));
      } catch {} // kept in memory only
    }
  }

  // --- Talking to the server ---
  class Failure extends Error {
    constructor(code, detail, retryable) {
      Object.assign(super(detail || code), { code, detail, retryable });
    }
  }

  /** One bot session and its WebSocket. Calls onSession, onEvent, onDrop and onReconnecting of its owner. */
  class Client {
    constructor(apiUrl, botId, memory, owner, { apiToken, language }) {
      Object.assign(this, { apiUrl, botId, memory, owner, apiToken, language });
      Object.assign(this, { token: null, socket: null, connecting: null });
    }

    /** How the bot is to look, {} where nobody says. The browser keeps it for some minutes. */
    async fetchLook() {
      const address = `${this.apiUrl}/v1/widget/bots/${encodeURIComponent(this.botId)}/appearance`;
      const answer = await fetch(address, { credentials: "omit", signal: AbortSignal.timeout(5000) }).catch(() => null);
      return answer && answer.ok ? answer.json().catch(() => ({})) : {};
    }

    /** Whether the element went on with another client, since it was taken out of the page or drawn anew. */
    get isLeft() {
      return this.owner.client !== this;
    }

    async openSession() {
      if (this.isLeft) throw new Failure("superseded", null, false);
      const { visitor_id, chat_id = null } = this.memory.values;
      const identity = this.owner.setting("identity", ""); // what the page says now: it may have been renewed
      const known = identity ? { identity } : {};
      const response = await fetch(`${this.apiUrl}/v1/widget/sessions`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(this.apiToken ? { Authorization: `Bearer ${this.apiToken}` } : {}),
        },
        body: JSON.stringify({ bot_profile_id: this.botId, visitor_id, chat_id, ...known }),
        credentials: "omit",
      }).catch(() => {
        throw new Failure("network", null, true);
      });
      const answer = await response.json().catch(() => ({}));
      // Somebody else is there by now, and has asked for their own: what this answer shows is not for them.
      if (this.isLeft || this.owner.setting("identity", "") !== identity) throw new Failure("superseded", null, false);
      if ([404, 409].includes(response.status)) throw new Failure("unavailable", null, false);
      if (!response.ok) {
        const detail = typeof answer.detail === "string" ? answer.detail : null;
        throw new Failure(answer.code || "failed", detail, response.status >= 500 || response.status === 429);
      }
      this.session = answer;
      this.token = answer.session_token;
      this.memory.set("chat_id", answer.chat_id || null);
      this.owner.onSession(answer);
      return answer;
    }

    /** Resolves once the socket is authenticated; waits and tries again while the network is away. */
    ready() {
      if (this.socket && this.socket.readyState === WebSocket.OPEN) return Promise.resolve();
      this.connecting = this.connecting || this.establish().finally(() => (this.connecting = null));
      return this.connecting;
    }

    async establish() {
      let renewed = false;
      for (let attempt = 0; ; attempt += 1) {
        try {
          if (!this.token) await this.openSession();
          const token = this.token;
          const socket = await this.connect();
          if (token === this.token) return (this.socket = socket);
          socket.close(); // it is the one of whom the page knew before
        } catch (failure) {
          if (failure.code === "superseded") continue;
          if (CURED_BY_RENEWAL.has(failure.code) && !renewed) {
            renewed = true;
            this.token = null;
          } else if (failure.code === "network" && attempt < BACKOFF_SECONDS.length) {
            this.owner.onReconnecting();
            const pause = BACKOFF_SECONDS[attempt] * (750 + 500 * Math.random());
            await new Promise((resolve) => setTimeout(resolve, pause));
          } else {
            throw failure;
          }
        }
      }
    }

    connect() {
      return new Promise((resolve, reject) => {
        const socket = new WebSocket(`${this.apiUrl.replace(/^http/, "ws")}/ws/chat/`);
        let authenticated = false;
        socket.onopen = () => {
          const { chat_id = null } = this.memory.values;
          const { token: session_token, language } = this;
          this.narrowing = this.owner.narrowing;
          const narrowed = this.narrowing ? { source_filter: JSON.parse(this.narrowing) } : {};
          socket.send(JSON.stringify({ type: "authenticate", session_token, chat_id, language, ...narrowed }));
        };
        socket.onclose = () => {
          if (!authenticated) reject(new Failure("network", null, true));
          else if (socket === this.socket) this.owner.onDrop();
        };
        socket.onmessage = ({ data }) => {
          const event = JSON.parse(data);
          if (authenticated) {
            if (socket === this.socket) this.owner.onEvent(event);
          } else if (event.type === "authenticated") {
            authenticated = true;
            resolve(socket);
          } else if (event.type === "error") {
            reject(new Failure(event.code, event.detail, event.retryable));
            socket.close();
          }
        };
      });
    }

    /** Leaves a socket that was opened when the page narrowed in another way. */
    keepUp() {
      if (this.socket && this.narrowing !== this.owner.narrowing) this.close();
    }

    async send(frame) {
      await this.ready();
      this.socket.send(JSON.stringify(frame));
    }

    /** A new session on a new socket; resolves to the session with the messages that the server has by now. */
    async renew() {
      this.token = null;
      this.close();
      await this.ready();
      return this.session;
    }

    close() {
      const socket = this.socket;
      this.socket = null;
      if (socket) socket.close();
    }
  }

  // --- The element ---
  class MiniRagWidget extends HTMLElement {
    static get observedAttributes() {
      return ["identity", "title", "theme", ...DRAWN];
    }

    attributeChangedCallback(name, before, after) {
      if (!this.client || before === after) return;
      if (name === "identity") this.welcome();
      else if (DRAWN.includes(name)) this.drawAnew();
      else if (this.window && name === "title") this.nameWindow();
      else if (this.window) this.pickContrast();
    }

    /** The page knows its visitor, or another one: the conversation is theirs, as far as there is one. */
    welcome() {
      if (!this.started) return;
      if (this.turn) this.endTurn();
      this.memory.set("turn", null);
      this.client.token = null;
      this.client.close();
      this.started = this.company = null;
      this.start();
    }

    connectedCallback() {
      if (this.client) return;
      for (const name of ATTRIBUTES.map(camel).filter((name) => Object.hasOwn(this, name))) {
        const value = this[name]; // set before this script was there
        delete this[name];
        this[name] = value;
      }
      this.readSettings();
      if (this.setting("api-token")) {
        console.warn("MiniRAG: this page shows an API token. List its origin at the bot and remove data-api-token.");
      }
      this.memory = new Memory(this.ownBot);
      const page = { apiToken: this.setting("api-token", ""), language: this.wanted };
      this.client = new Client(this.server, this.ownBot, this.memory, this, page);
      this.turn = this.started = this.company = this.people = this.askedFor = this.window = null;
      this.bot = {};
      this.onPageClick = (event) => {
        const asker = event.target instanceof Element && event.target.closest("[data-minirag-ask]");
        if (asker && this.isMeant(asker)) this.ask(asker.getAttribute("data-minirag-ask"));
      };
      document.addEventListener("click", this.onPageClick);
      this.appearing = this.appear();
    }

    /** Draws as soon as the words of its language are there, which for English is at once. */
    async appear() {
      const { client } = this;
      const look = this.hasAttribute("preview") ? {} : client.fetchLook();
      this.root = this.shadowRoot || this.attachShadow({ mode: "open" });
      this.root.replaceChildren();
      this.applyStyles(this.root); // an inline one has its height from now on
      this.words = DICTIONARIES[this.language] || (await fetchWords(this.language, this.server));
      if (this.client !== client) return; // taken out of the page meanwhile
      this.draw();
      this.dress(look);
      if (this.left) this.comeAgain(this.left);
      else if (this.inline) this.start();
      this.left = null;
    }

    /** As it was when it was taken out of the page, or drawn in another way. */
    comeAgain({ isOpen, isStarted, hasFocus, draft }) {
      this.input.value = draft;
      this.fitInput();
      if (isOpen) this.show();
      if (isOpen && hasFocus) this.input.focus({ preventScroll: true });
      if (isOpen || isStarted) this.start();
    }

    /** What a page asks of no bot in particular is for its first one. */
    isMeant(asker) {
      const bot = asker.getAttribute("data-minirag-bot");
      return bot ? bot === this.ownBot : [null, this].includes(document.querySelector("minirag-widget"));
    }

    /** Once, however many attributes the page changes now. */
    drawAnew() {
      if (this.isChanging) return;
      this.isChanging = true;
      queueMicrotask(() => {
        this.isChanging = false;
        if (!this.isConnected) return;
        this.disconnectedCallback();
        this.connectedCallback();
      });
    }

    /** Whether it stands on the page by now; what the page asks of it before waits for that. */
    async isThere() {
      if (!this.window) await this.appearing;
      return Boolean(this.window);
    }

    disconnectedCallback() {
      document.removeEventListener("click", this.onPageClick);
      if (this.window) {
        const now = { isOpen: !this.window.hidden, isStarted: Boolean(this.started) };
        this.left = { ...now, hasFocus: Boolean(this.root.activeElement), draft: this.input.value };
      }
      if (this.turn) clearTimeout(this.turn.silence); // the server goes on, and it is picked up
      this.client.token = null;
      this.client.close();
      this.client = this.beginning = this.turn = this.window = null;
    }

    /** An attribute of the element, else the script tag's data- attribute, else the default. */
    setting(name, fallback) {
      if (this.hasAttribute(name)) return this.getAttribute(name);
      const tag = this.madeBy || SCRIPT;
      return (tag && tag.dataset[camel(name)]) || fallback;
    }

    readSettings() {
      const tag = this.madeBy || SCRIPT;
      const home = tag && tag.src ? new URL(tag.src).origin : location.origin;
      this.ownBot = this.setting("bot-id", "");
      this.server = new URL(this.setting("api-url", home), location.href).href.replace(/\/+$/, "");
      const around = (this.parentElement || document.documentElement).closest("[lang]:not([lang=''])");
      const wanted = [this.setting("lang"), around && around.lang, ...navigator.languages].filter(Boolean);
      this.wanted = (wanted[0] || "en").slice(0, 35);
      this.language = chooseLanguage(wanted);
      for (const name of ["theme", "placement", "position", "size"]) {
        if (!this.hasAttribute(name) && this.setting(name)) this.setAttribute(name, this.setting(name));
      }
      this.inline = this.getAttribute("placement") === "inline";
    }

    draw() {
      const { root, words } = this;
      const logRole = { role: "log", "aria-label": words.log, "aria-live": "polite" };
      this.log = build("div", { className: "log", tabIndex: 0, ...logRole });
      this.heading = build("h2", { dir: "auto" }, this.setting("title", words.title));
      const hints = { placeholder: this.setting("placeholder", words.placeholder), "aria-label": words.question };
      const limits = { rows: 1, dir: words.dir, maxLength: MAX_QUESTION_LENGTH, enterKeyHint: "send" };
      this.input = build("textarea", { ...hints, ...limits });
      this.input.addEventListener("input", () => this.fitInput());
      this.input.addEventListener("keydown", (event) => this.onInputKey(event));
      this.sendButton = build("button", { type: "submit", className: "send" });
      const buttons = [iconButton("restart", words.restart, () => this.restart(), { className: "restart" })];
      if (!this.inline) buttons.push(iconButton("close", words.close, () => this.close(), { className: "close" }));
      const role = this.inline ? "region" : "dialog";
      this.typingLine = build("p", { className: "typing-line", role: "status", dir: "auto" });
      this.companyLine = build("div", { className: "company", role: "status", hidden: true });
      this.notice = build("footer", {}, words.notice);
      this.window = build(
        "section",
        { className: "window", role, lang: words.tag, dir: words.dir, hidden: !this.inline },
        build("header", {}, this.heading, ...buttons),
        this.log,
        this.typingLine,
        this.companyLine,
        build("form", { className: "ask", onsubmit: (event) => this.onSubmit(event) }, this.input, this.sendButton),
        this.notice,
      );
      this.window.setAttribute("aria-label", this.heading.textContent);
      this.window.addEventListener("keydown", (event) => this.onWindowKey(event));
      root.append(this.window);
      if (!this.inline) {
        const toggle = () => (this.window.hidden ? this.open() : this.close());
        const states = { className: "bubble", "aria-expanded": "false", "aria-haspopup": "dialog" };
        this.bubble = iconButton("chat", words.open, toggle, states);
        root.append(this.bubble);
      }
      this.showBusy(false);
      this.pickContrast();
    }

    /** A constructed sheet passes a page's style-src; the <style> is for browsers without it. */
    applyStyles(root) {
      if (!("adoptedStyleSheets" in root)) return root.append(build("style", {}, STYLES));
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLES);
      root.adoptedStyleSheets = [sheet];
    }

    /** Black or white on the page's own --primary, whichever reads better. */
    pickContrast() {
      const channels = (getComputedStyle(this.sendButton).backgroundColor.match(/[\d.]+/g) || []).map(Number);
      if (channels.length < 3) return;
      const linear = (value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const [red, green, blue] = channels.map(linear);
      const ink = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#10131a" : "#ffffff";
      for (const part of [this.window, this.bubble]) if (part) part.style.setProperty("--on-primary", ink);
    }

  // --- Its look ---
    /** The look that is kept with the bot; until it is known there is no bubble, so that none jumps. */
    async dress(fetched) {
      const { client, bubble } = this;
      if (bubble) bubble.hidden = true;
      const look = await fetched;
      if (this.client !== client) return; // drawn in another way meanwhile
      if (bubble) bubble.hidden = false;
      this.wear(look);
      this.announce("ready", { language: this.words.tag });
    }

    /** What the page's tag or style sheet says counts before a look. */
    wear(look) {
      for (const name of this.worn || []) this.removeAttribute(name);
      this.look = look;
      this.worn = ["theme", "position", "size"].filter((name) => look[name] && !this.hasAttribute(name));
      for (const name of this.worn) this.setAttribute(name, look[name]);
      this.addStyles(this.writeRules(look));
      this.showLogo(look.logo_url && new URL(look.logo_url, this.server).href);
      this.nameWindow();
      this.pickContrast();
    }

    writeRules({ color, dark_color: dark, radius }) {
      const paint = (colour) => `--primary: ${colour}; --primary-hover: color-mix(in srgb, ${colour} 85%, #000);`;
      const rules = [];
      if (color) rules.push(`:host { ${paint(color)} }`);
      if (Number.isInteger(radius)) rules.push(`:host { --radius: ${radius}px; }`);
      if (dark) {
        rules.push(`@media ${IN_THE_DARK} { :host(:not([theme="light"])) { ${paint(dark)} } }`);
        rules.push(`:host([theme="dark"]) { ${paint(dark)} }`);
      }
      return rules.join(" ");
    }

    showLogo(source) {
      for (const old of this.shadowRoot.querySelectorAll("img.logo")) old.remove();
      if (!source) return;
      const onerror = (event) => event.target.remove();
      for (const place of [this.window.firstChild, this.bubble]) {
        if (place) place.prepend(build("img", { className: "logo", src: source, alt: "", onerror }));
      }
    }

    nameWindow() {
      const title = this.setting("title", (this.look && this.look.title) || this.bot.name || this.words.title);
      this.heading.textContent = title;
      this.window.setAttribute("aria-label", title);
    }

    /** How it looks with what is not saved yet, for the admin: nothing is asked of the server. */
    async preview(look, bot) {
      if (!(await this.isThere())) return;
      this.bot = bot;
      this.log.replaceChildren();
      this.greet();
      this.wear(look);
    }

    addStyles(text) {
      const root = this.shadowRoot;
      if (this.ownStyle) this.ownStyle.remove();
      if (!("adoptedStyleSheets" in root)) return root.append((this.ownStyle = build("style", {}, text)));
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      root.adoptedStyleSheets = [root.adoptedStyleSheets[0], sheet];
    }

    async open() {
      if (!this.window && !(await this.isThere())) return false;
      this.show();
      if (!this.hasAttribute("preview")) this.input.focus({ preventScroll: true });
      return this.start();
    }

    show() {
      if (this.inline || !this.window.hidden) return;
      this.window.hidden = false;
      this.bubble.classList.remove("news");
      this.window.setAttribute("aria-modal", String(matchMedia(NARROW).matches));
      Object.assign(this.bubble, { ariaExpanded: "true", ariaLabel: this.words.close, title: this.words.close });
      this.pickContrast();
      this.announce("open");
    }

    close() {
      if (!this.window || this.inline || this.window.hidden) return;
      this.window.hidden = true;
      this.announce("close");
      Object.assign(this.bubble, { ariaExpanded: "false", ariaLabel: this.words.open, title: this.words.open });
      this.bubble.focus();
    }

    onWindowKey(event) {
      if (event.key === "Escape" && !this.inline) {
        event.stopPropagation();
        this.close();
      } else if (event.key === "Tab" && !this.inline && matchMedia(NARROW).matches) {
        this.keepFocusInside(event);
      }
    }

    keepFocusInside(event) {
      const all = this.window.querySelectorAll("button, textarea, input, a[href], summary, .log");
      const stops = [...all].filter((stop) => stop.getClientRects().length);
      const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (this.shadowRoot.activeElement !== edge) return;
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
    }

    /** Opens the session once and draws what it brings; on failure a card offers to try again. */
    start() {
      if (this.hasAttribute("preview")) return Promise.resolve(false);
      this.started = this.started || this.begin();
      return this.started;
    }

    async begin() {
      const beginning = (this.beginning = {});
      try {
        const session = await this.client.openSession();
        if (this.beginning !== beginning) return this.started; // the page has another visitor, who has begun anew
        this.log.replaceChildren();
        for (const message of session.messages || []) {
          if (message.role === "user") this.addUser(message.content);
          else if (message.role === "person") this.addPerson(message);
          else if (message.role === "assistant") this.finish(this.addAssistant(), message);
        }
        for (const old of this.log.querySelectorAll(":not(:last-child) > .help > .suggestions")) old.remove();
        if (!this.log.childElementCount) this.greet();
        this.client.ready().catch(() => {}); // warms the socket up; a question tries again
        this.pickUp(session.messages || []);
        return true;
      } catch (failure) {
        if (this.beginning !== beginning) return this.started;
        this.started = null;
        this.log.replaceChildren();
        this.showFailure(failure, () => this.start());
        return false;
      }
    }

    greet() {
      const text = this.setting("greeting", this.bot.greeting || this.words.greeting);
      this.addAssistant().body.append(renderMarkdown(text, () => null));
      const questions = (this.bot.starter_questions || []).filter(Boolean);
      if (!questions.length) return;
      this.log.append(this.buildSuggestions(questions, this.words.suggestions));
    }

    restart() {
      this.stop();
      if (this.turn) this.endTurn();
      this.leftChat = this.memory.values.chat_id;
      this.memory.set("chat_id", null);
      this.log.replaceChildren();
      this.showCompany(null);
      this.greet();
      this.input.focus();
      this.client.send({ type: "reset" }).catch(() => {});
    }

    addUser(text) {
      // With a direction of its own it does not decide that of the question.
      const said = build("span", { className: "only-read", dir: this.words.dir }, `${this.words.you}: `);
      this.log.append(build("div", { className: "message user", dir: "auto" }, said, text));
      this.scrollDown(true);
    }

    addAssistant() {
      const body = build("div", { className: "body", dir: "auto" });
      const element = build("article", { className: "message assistant" }, body);
      this.log.append(element);
      return { element, body };
    }

    /** Ask a question as if the visitor had typed it; opens the window. Returns false while another one is running. */
    async ask(question) {
      const text = String(question || "").trim().slice(0, MAX_QUESTION_LENGTH);
      const opened = this.open();
      if (!text || this.turn) return false;
      const asked = (this.turn = { question: text });
      if (!(await opened) || this.turn !== asked) {
        if (this.turn === asked) this.turn = null;
        if (this.window) this.input.value = text;
        return false;
      }
      for (const leftover of this.log.querySelectorAll(".suggestions, .card")) leftover.remove();
      this.addUser(text);
      this.announce("message", { role: "user", content: text });
      this.run(text);
      return true;
    }

    async run(question) {
      await this.sendQuestion(this.beginTurn(question, randomId()));
    }

    /** The page was loaded anew while its last question was being answered: listen to the rest. */
    pickUp(messages) {
      const left = this.memory.values.turn;
      const last = messages[messages.length - 1];
      if (!left || !last || last.role !== "user" || last.content !== left.question) return;
      this.resume(this.beginTurn(left.question, left.id));
    }

    beginTurn(question, requestId) {
      const message = this.addAssistant();
      const heard = { text: "", sources: [], number: 0 };
      const turn = { question, message, requestId, ...heard, drops: 0, renewed: false, stopped: false };
      this.turn = turn;
      this.memory.set("turn", { id: requestId, question });
      const hint = build("span", { className: "only-read" }, this.words.answering);
      message.element.hidden = this.isWithPerson; // who types, if they do, is said elsewhere
      message.body.append(build("div", { className: "typing" }, hint, build("i"), build("i"), build("i")));
      this.showBusy(true);
      this.scrollDown(true);
      return turn;
    }

    async sendQuestion(turn) {
      try {
        this.client.keepUp();
        await this.client.ready();
        if (this.turn !== turn) return;
        await this.client.send({ type: "question", message: turn.question, request_id: turn.requestId });
        this.watchSilence(turn);
      } catch (failure) {
        if (this.turn === turn) this.fail(failure);
      }
    }

    watchSilence(turn) {
      clearTimeout(turn.silence);
      turn.silence = setTimeout(() => {
        if (this.turn !== turn) return;
        this.client.close();
        this.fail(new Failure("timeout", null, true));
      }, SILENCE_SECONDS * 1000);
    }

    onSession(session) {
      this.bot = session.bot || {};
      this.nameWindow();
      this.people = session.people || null;
      this.drawCompany();
    }

    onReconnecting() {
      if (this.turn && this.turn.message) this.note(this.turn.message, this.words.reconnecting);
    }

    onEvent(event) {
      if (this.hearPeople(event)) return;
      const turn = this.turn;
      if (event.type === "feedback_saved") this.announceFeedback(event);
      if (event.type === "feedback_saved" || !turn || !turn.message) return;
      if (event.request_id && event.request_id !== turn.requestId) return;
      if (event.number && event.number <= turn.number) return; // heard before the socket broke
      if (event.number) turn.number = event.number;
      if (event.chat_id) this.memory.set("chat_id", event.chat_id);
      this.watchSilence(turn);
      if (event.type === "sources") turn.sources = event.sources || [];
      if (event.type === "delta" && !turn.stopped) {
        turn.text += event.content;
        this.drawSoon(turn);
      } else if (event.type === "done") {
        this.endTurn();
        if (event.passed_on) turn.message.element.remove(); // a person reads it
        else {
          const answer = { ...event, content: event.content || turn.text, id: event.message_id };
          this.finish(turn.message, answer, turn);
          this.announceAnswer(answer);
        }
      } else if (event.type === "error") {
        this.onError(turn, event);
      }
    }

    onError(turn, event) {
      const askAgain = (change) => {
        Object.assign(turn, change);
        this.client.close();
        this.sendQuestion(turn);
      };
      if (turn.resuming && event.code === "gone") this.lookBack(turn);
      else if (turn.resuming && event.code === "not_found" && !turn.number) askAgain({ resuming: false });
      else if (CURED_BY_RENEWAL.has(event.code) && !turn.renewed) {
        this.client.token = null;
        askAgain({ renewed: true });
      } else if (event.code === "server_stopping" && !turn.text && !turn.moved) {
        askAgain({ moved: true, requestId: randomId(), number: 0 });
      } else {
        const detail = event.code === "interrupted" ? null : event.detail;
        this.fail(new Failure(event.code, detail, event.retryable));
      }
    }

    /** The socket broke. The server goes on with a turn it has begun, and tells the rest over another socket. */
    onDrop() {
      const turn = this.turn;
      if (!turn || !turn.message) return this.comeBack();
      turn.drops += 1;
      if (turn.drops > MAX_DROPS) this.fail(new Failure("interrupted", null, true));
      else this.resume(turn);
    }

    async resume(turn) {
      this.onReconnecting();
      turn.resuming = true;
      try {
        await this.client.send({ type: "resume", request_id: turn.requestId, after: turn.number });
        if (this.turn !== turn) return;
        this.note(turn.message, "");
        this.watchSilence(turn);
      } catch (failure) {
        if (this.turn === turn) this.fail(failure);
      }
    }

    /** What the turn told is not kept any longer: look for its answer in the chat. */
    async lookBack(turn) {
      try {
        const session = await this.client.renew();
        if (this.turn !== turn) return;
        const [asked, answered] = (session.messages || []).slice(-2);
        const complete = answered && answered.role === "assistant" && asked.content === turn.question;
        if (!complete) throw new Failure("interrupted", null, true);
        this.endTurn();
        this.finish(turn.message, answered);
        this.announceAnswer(answered);
      } catch (failure) {
        if (this.turn === turn) this.fail(failure);
      }
    }

    drawSoon(turn) {
      if (turn.frame) return;
      turn.frame = requestAnimationFrame(() => {
        turn.frame = 0;
        if (this.turn !== turn) return;
        const known = new Set(turn.sources.map((source) => source.number));
        const mark = (number) => (known.has(number) ? build("span", { className: "mark" }, String(number)) : null);
        turn.message.body.replaceChildren(renderMarkdown(turn.text, mark));
        this.scrollDown();
      });
    }

    /** Draw a complete answer: `answer` is a done event or a message of the history. */
    finish(message, answer, turn) {
      const citations = answer.citations || [];
      const wasAtEnd = this.isAtEnd();
      const items = new Map();
      const mark = (number) => {
        const citation = citations.find((each) => each.number === number);
        if (!citation) return null;
        const label = fill(this.words.source, { n: number, title: citation.title || this.words.untitled });
        const onclick = () => this.showSource(items.get(number));
        const look = { type: "button", className: "mark", title: label, "aria-label": label, onclick };
        return build("button", look, String(number));
      };
      const { help } = answer;
      const content = answer.content || "";
      // The choices are buttons here; those who see none are told them as a list.
      const said = help && help.choices.length ? content.split("\n", 1)[0] : content;
      message.body.replaceChildren(renderMarkdown(said, mark));
      const cut = answer.cut_reason ? this.words[`cut_${answer.cut_reason}`] || "" : "";
      this.note(message, turn && turn.stopped ? this.words.stopped : cut);
      if (answer.refusal) {
        message.element.classList.add("refusal");
        if (answer.refusal.reason !== "content_filter") message.body.prepend(build("div", { className: "label", dir: this.words.dir }, icon("search"), this.words.refused));
      }
      if (help) message.element.append(this.buildHelp(help, said));
      const below = build("div", { className: "below" });
      if (citations.length) below.append(this.buildSources(citations, items));
      if (answer.id) below.append(this.buildThumbs(answer.id, answer.feedback || null));
      if (below.childElementCount) message.element.append(below);
      this.scrollDown(wasAtEnd);
      // Help may be higher than the window: its sentence is read first.
      if (help && wasAtEnd) this.log.scrollTop -= Math.max(0, message.element.offsetHeight - this.log.clientHeight);
    }

    buildSources(citations, items) {
      const list = build("ol");
      for (const citation of citations) {
        const title = citation.title || this.words.untitled;
        const url = safeUrl(citation.url || "");
        if (citation.kind === "curated") { // what it says is the answer itself
          list.append(build("li", {}, url ? link(url, title) : build("span", { dir: "auto" }, title)));
          continue;
        }
        const place = citation.page ? fill(this.words.page, { n: citation.page }) : citation.place;
        const where = build("span", { className: "page" }, place ? `, ${place}` : "");
        const summary = build("summary", { dir: "auto" }, build("b", {}, `${citation.number}.`), ` ${title}`, where);
        const excerpt = build("p", { className: "excerpt", dir: "auto" }, citation.content || "");
        const item = build("details", {}, summary, excerpt);
        item.ontoggle = () => item.open && this.announceCitation(citation);
        if (url) item.append(link(url, this.words.openSource));
        items.set(citation.number, item);
        list.append(build("li", {}, item));
      }
      const label = count(this.words, "sources", citations.length);
      return build("details", { className: "sources" }, build("summary", {}, label), list);
    }

    showSource(item) {
      item.closest(".sources").open = true;
      item.open = true;
      item.classList.remove("shown");
      void item.offsetWidth; // restarts the animation
      item.classList.add("shown");
      item.scrollIntoView({ block: "nearest" });
      item.querySelector("summary").focus({ preventScroll: true });
    }

    buildThumbs(messageId, given) {
      let current = given;
      const buttons = {};
      const show = () => {
        for (const value in buttons) buttons[value].setAttribute("aria-pressed", String(current === value));
      };
      const choose = async (value) => {
        const before = current;
        current = current === value ? null : value;
        show();
        try {
          await this.client.send({ type: "feedback", message_id: messageId, feedback: current });
        } catch {
          current = before;
          show();
        }
      };
      buttons.positive = iconButton("up", this.words.helpful, () => choose("positive"));
      buttons.negative = iconButton("down", this.words.unhelpful, () => choose("negative"));
      show();
      return build("div", { className: "thumbs" }, buttons.positive, buttons.negative);
    }

    /** A line below the message in place of the one before; an empty text removes it. */
    note(message, text) {
      for (const old of message.element.querySelectorAll(".note")) old.remove();
      if (text) message.element.append(build("p", { className: "note" }, text));
    }

    /** End the running turn with a card; what had arrived of the answer stays above it. */
    fail(failure) {
      const turn = this.turn;
      this.endTurn();
      this.note(turn.message, "");
      if (turn.text) turn.message.body.replaceChildren(renderMarkdown(turn.text, () => null));
      else turn.message.element.remove();
      this.showFailure(failure, () => {
        turn.message.element.remove();
        this.run(turn.question);
      });
    }

    showFailure(failure, again) {
      const own = this.words[OWN_WORDS[failure.code]];
      const text = own || failure.detail || this.words[failure.code] || this.words.failed;
      this.announce("error", { code: failure.code, detail: text, retryable: Boolean(failure.retryable) });
      const isNobodysFault = own || ["unavailable", "origin_not_allowed"].includes(failure.code);
      const look = { className: isNobodysFault ? "card quiet" : "card", role: "alert" };
      const card = build("div", look, build("p", { dir: "auto" }, text));
      if (failure.retryable) {
        const button = build("button", { type: "button" }, this.words.retry);
        button.addEventListener("click", () => (card.remove(), this.input.focus(), again()));
        card.append(button);
      }
      this.log.append(card);
      this.scrollDown(true);
    }

    stop() {
      const turn = this.turn;
      if (!turn || !turn.message || turn.stopped) return;
      turn.stopped = true;
      if (this.client.socket) this.client.send({ type: "stop" }).catch(() => {});
      setTimeout(() => {
        if (this.turn !== turn) return;
        this.endTurn();
        this.finish(turn.message, { content: turn.text }, turn);
      }, STOP_PATIENCE_SECONDS * 1000);
    }

    endTurn() {
      clearTimeout(this.turn.silence);
      this.memory.set("turn", null);
      cancelAnimationFrame(this.turn.frame || 0);
      this.turn = null;
      this.showBusy(false);
    }

    /** While busy, the log is silent for screen readers, which then read the whole answer at once. */
    showBusy(busy) {
      const label = busy ? this.words.stop : this.words.send;
      this.log.setAttribute("aria-busy", String(busy));
      this.sendButton.replaceChildren(icon(busy ? "stop" : "send"));
      Object.assign(this.sendButton, { title: label, ariaLabel: label });
    }

    /** What stands below an answer that is none: pages that come close, what else can be asked, a contact; or choices. */
    buildHelp(help, said) {
      const dir = RIGHT_TO_LEFT.includes(help.language) ? "rtl" : "ltr";
      const box = build("div", { className: "help", lang: help.language, dir });
      if (help.passages.length) box.append(this.buildNear(help));
      if (help.choices.length) box.append(this.buildSuggestions(help.choices, said));
      else if (help.questions.length) {
        const label = build("p", {}, help.questions_label);
        const group = this.buildSuggestions(help.questions, help.questions_label);
        group.prepend(label);
        box.append(group);
      }
      if (help.contact) box.append(this.buildContact(help));
      return box;
    }

    /** Buttons that ask; they go away with the next question. */
    buildSuggestions(questions, label) {
      const suggest = (question) => ({ type: "button", dir: "auto", onclick: () => this.ask(question) });
      const buttons = questions.map((question) => build("button", suggest(question), question));
      return build("div", { className: "suggestions", role: "group", "aria-label": label }, ...buttons);
    }

    /** A page with an address is a link; of another its beginning can be read here. */
    buildNear(help) {
      const list = build("ul", { "aria-label": help.passages_label });
      for (const near of help.passages) {
        const parts = [near.title, near.heading].filter((part, at, all) => part && all.indexOf(part) === at);
        const name = parts.join(" – ") || this.words.untitled;
        const url = safeUrl(near.url || "");
        let item = url && link(url, name);
        if (item) item.dir = "auto";
        else {
          const excerpt = build("p", { className: "excerpt", dir: "auto" }, near.content || "");
          item = build("details", {}, build("summary", { dir: "auto" }, name), excerpt);
        }
        list.append(build("li", {}, item));
      }
      return build("div", { className: "near" }, build("p", {}, help.passages_label), list);
    }

    buildContact(help) {
      const address = help.contact;
      const [before, ...after] = help.contact_label.split(address);
      const href = /^[^\s@:/?]+@[^\s@]+\.[^\s@]+$/.test(address) ? `mailto:${address}` :
        /^\+?[\d\s()/.-]{5,}$/.test(address) ? `tel:${address.replace(/[^\d+]/g, "")}` : safeUrl(address);
      const shown = href ? build("a", { href, ...(safeUrl(href) ? NEW_TAB : {}) }, address) : address;
      return build("p", { className: "contact" }, before, build("bdi", {}, shown), after.join(address));
    }

    /** Frames about people: who joined, what they say, that they type. Returns whether it was one. */
    hearPeople(event) {
      if (event.chat_id && event.chat_id === this.leftChat) return true; // on its way when it was left
      if (event.type === "company") this.showCompany(event);
      else if (event.type === "said") this.addPerson(event.message) && this.announcePerson(event.message);
      else if (event.type === "typing") this.showTyping(event.person);
      else if (event.type === "error" && this.isOfPeople(event)) this.onPeopleError(event);
      else return false;
      return true;
    }

    isOfPeople(error) {
      return Boolean(this.askedFor) && error.request_id === (this.askedFor.frame.request_id || "");
    }

    get isWithPerson() {
      return Boolean(this.company) && this.company.state === "joined";
    }

    get isWithPeople() {
      return Boolean(this.company) && this.company.state !== "closed";
    }

    showCompany(event) {
      const before = this.company;
      if (event) this.announce("handoff", { state: event.state, reason: event.reason, person: event.person || "" });
      this.company = event && event.state !== "closed" ? event : null;
      if (this.askedFor && this.askedFor.frame.type === "person_message") this.addLine(this.words.left);
      this.askedFor = null;
      if (event) this.memory.set("chat_id", event.chat_id);
      if (event && event.state === "closed" && before && event.ended_as !== "withdrawn") this.addLine(this.words.back);
      if (event && event.state === "waiting" && before && before.state === "joined") this.addLine(this.words.gone);
      this.drawCompany();
    }

    /** The line above the input: a way to people, that one was called, or who is there. */
    drawCompany() {
      const { words, company, people } = this;
      this.typingLine.textContent = "";
      const line = (text, label, onclick) => {
        const button = label ? [build("button", { type: "button", onclick }, label)] : [];
        this.companyLine.replaceChildren(build("span", { dir: "auto" }, text), ...button);
      };
      this.companyLine.hidden = false;
      this.companyLine.classList.toggle("here", this.isWithPerson);
      if (this.isWithPerson) line(fill(words.here, { name: company.person || words.person }));
      else if (company && company.reason === "message") line(words.leftShort);
      else if (company) line(words.waiting, words.withdraw, () => this.tellPeople({ type: "person_withdraw" }));
      else if (people && (people.is_staffed || people.takes_messages)) line("", words.askPerson, () => this.askPerson());
      else this.companyLine.hidden = true;
      this.notice.textContent = this.isWithPerson ? "" : words.notice;
      this.scrollDown();
    }

    askPerson() {
      if (this.people.is_staffed) this.tellPeople({ type: "person" });
      else this.showContactForm();
    }

    async tellPeople(frame) {
      this.askedFor = { frame, renewed: false };
      try {
        await this.client.send(frame);
      } catch (failure) {
        this.askedFor = null;
        this.showFailure(failure, () => this.tellPeople(frame));
      }
    }

    async onPeopleError(event) {
      const { frame, renewed } = this.askedFor;
      if (CURED_BY_RENEWAL.has(event.code) && !renewed) {
        this.askedFor.renewed = true;
        this.client.token = null;
        this.client.close();
        return this.client.send(frame).catch((failure) => this.showFailure(failure, () => this.tellPeople(frame)));
      }
      this.askedFor = null;
      if (event.code === "nobody_there") {
        this.people = { ...this.people, is_staffed: false };
        this.drawCompany();
        if (this.people.takes_messages) return this.showContactForm();
      }
      const said = this.words[event.code] || event.detail;
      return this.showFailure(new Failure(event.code, said, event.retryable), () => this.tellPeople(frame));
    }

    /** Outside of business hours: the truth about them, and a form for a message. */
    showContactForm() {
      const { words } = this;
      for (const old of this.log.querySelectorAll(".contact-form")) old.remove();
      const field = (name, label, more) => build("label", {}, label, build(more.rows ? "textarea" : "input", { name, dir: "auto", ...more }));
      const opens = this.people.opens_at ? new Date(`${this.people.opens_at}Z`) : null;
      const look = { weekday: "long", hour: "2-digit", minute: "2-digit" };
      const when = opens ? ` ${fill(words.opens, { when: opens.toLocaleString(words.tag, look) })}` : "";
      const form = build("form", { className: "contact-form", dir: words.dir, "aria-label": words.leave },
        build("p", {}, `${words.away}${when} ${words.leaveHint}`),
        field("contact", words.yourMail, { type: "email", required: true, maxLength: 320, autocomplete: "email" }),
        field("name", words.yourName, { type: "text", maxLength: 255, autocomplete: "name" }),
        field("message", words.yourMessage, { rows: 3, required: true, maxLength: MAX_QUESTION_LENGTH }),
        build("button", { type: "submit" }, words.leave));
      form.onsubmit = (event) => {
        event.preventDefault();
        const said = Object.fromEntries(new FormData(form));
        if (!said.message.trim()) return;
        form.remove();
        this.addUser(said.message);
        this.tellPeople({ type: "person_message", request_id: randomId(), ...said, contact: said.contact.trim() });
      };
      this.log.append(form);
      form.scrollIntoView({ block: "start" });
      form.querySelector("input").focus({ preventScroll: true });
    }

    /** What a person of the bot's says; the same message may come twice. */
    addPerson(message) {
      if ([...this.log.children].some((each) => each.dataset.message === message.id)) return false;
      const who = message.author || this.words.person;
      const body = build("div", { className: "body", dir: "auto" }, renderMarkdown(message.content, () => null));
      const name = build("div", { className: "label", dir: "auto" }, who);
      this.log.append(build("article", { className: "message assistant person", "data-message": message.id }, name, body));
      this.showTyping("");
      this.scrollDown(true);
      if (!this.inline && this.window.hidden) this.bubble.classList.add("news");
      return true;
    }

    addLine(text) {
      this.log.append(build("p", { className: "line", dir: this.words.dir }, text));
      this.scrollDown(true);
    }

    showTyping(name) {
      clearTimeout(this.typingTimer);
      const isOn = name !== "";
      this.typingLine.textContent = isOn ? fill(this.words.typing, { name: name || this.words.person }) : "";
      this.scrollDown();
      if (isOn) this.typingTimer = setTimeout(() => this.showTyping(""), 6000);
    }

    /** A person who is there sees that the visitor types, not what. */
    tellTyping() {
      if (!this.isWithPerson || Date.now() - (this.toldTyping || 0) < 4000 || !this.client.socket) return;
      this.toldTyping = Date.now();
      this.client.send({ type: "typing" }).catch(() => {});
    }

    /** The socket broke while people are concerned: come back, as long as they are. */
    comeBack() {
      if (!this.isWithPeople || !this.client) return;
      this.client.ready().catch(() => setTimeout(() => this.comeBack(), 15000));
    }

    onSubmit(event) {
      event.preventDefault();
      const question = this.input.value;
      if (this.turn) this.stop();
      if (this.turn || !question.trim()) return;
      this.input.value = "";
      this.fitInput();
      this.ask(question);
    }

    onInputKey(event) {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.turn) this.onSubmit(event);
    }

    fitInput() {
      if (this.input.value) this.tellTyping();
      this.input.dir = this.input.value ? "auto" : this.words.dir;
      this.input.style.height = "auto";
      this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 132)}px`;
    }

    /** Follow the answer, unless the visitor has scrolled up to read. */
    scrollDown(always) {
      if (always || this.isAtEnd()) this.log.scrollTop = this.log.scrollHeight;
    }

    isAtEnd() {
      const { scrollHeight, scrollTop, clientHeight } = this.log;
      return scrollHeight - scrollTop - clientHeight < 120;
    }
    // --- What the page may ask for, and what it is told: docs/widget.md ---
    /** Ask a question as if the visitor had typed it: see `ask`. */
    send(question) {
      return this.ask(question);
    }

    /** The visitor is who the page's server has signed; nobody known without. */
    identify(identity) {
      this.say("identity", identity);
    }

    setLanguage(language) {
      this.say("lang", language);
    }

    /** What may answer on this page, from the next question until it is set anew: it narrows, and opens nothing. */
    setContext(context) {
      const unknown = Object.keys(context || {}).filter((name) => !CONTEXT.includes(name));
      if (unknown.length) throw new TypeError(`setContext takes ${CONTEXT.join(", ")}, not ${unknown.join(", ")}`);
      this.context = { ...context };
    }

    /** A new conversation. `forget` makes the browser's visitor another one, who finds nothing of those before. */
    async reset({ forget = false } = {}) {
      if (!(await this.isThere())) return;
      if (forget) {
        this.stop();
        this.memory.forget();
        this.input.value = "";
        this.drawAnew();
      } else if (this.started) this.restart();
      else this.memory.set("chat_id", null);
    }

    say(name, value) {
      if (value) this.setAttribute(name, value);
      else this.removeAttribute(name);
    }

    /** The filter of what may answer here, as JSON; "" where nothing narrows. */
    get narrowing() {
      const tags = this.setting("tags", "").split(",").map((tag) => tag.trim()).filter(Boolean);
      const said = Object.entries({ tags, ...this.context }).filter(([, value]) => value && value.length);
      return said.length ? JSON.stringify(Object.fromEntries(said)) : "";
    }

    announce(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    announceAnswer({ id, content, citations, refusal, cut_reason = null }) {
      const cited = (citations || []).map(tellCitation);
      this.announce("message", { role: "assistant", id, content, citations: cited, refused: Boolean(refusal), cut_reason });
    }

    announcePerson({ id, content, author }) {
      this.announce("message", { role: "person", id, content, person: author || "" });
    }

    announceCitation(citation) {
      this.announce("citation", tellCitation(citation));
    }

    announceFeedback({ message_id, feedback }) {
      this.announce("feedback", { message_id, feedback });
    }
  }

  for (const name of ATTRIBUTES) {
    Object.defineProperty(MiniRagWidget.prototype, camel(name), {
      get() {
        return this.getAttribute(name) || "";
      },
      set(value) {
        this.say(name, value);
      },
    });
  }
  customElements.define("minirag-widget", MiniRagWidget);
})();
