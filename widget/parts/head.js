/* <minirag-widget>: a chat with one MiniRAG bot. Made of widget/parts by `python -m widget.build`: change those. */
/*
 *   <script src="https://host/static/minirag/widget.js" data-bot-id="…" defer></script>
 *
 * The page carries the bot's id and nothing secret. The server gives a short-lived session to an allowed origin; the
 * session token goes into the first WebSocket frame, never into a URL. Text from the network reaches the page as text
 * nodes only, and as Markdown that was made harmless. Any element of the page with a data-minirag-ask attribute asks
 * its question when it is clicked.
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
  const QUIET_SECONDS = 20; // then the line may be dead without saying so
  const SOCKET_PATIENCE_SECONDS = 8;
  const OFFLINE_SECONDS = 10; // between two looks whether there is a connection
  const STOP_PATIENCE_SECONDS = 3;
  const MARKDOWN_SECONDS = 5; // then texts are shown as they are written
  // A new session cures these, or tells what is the matter: it ran out, its bot or its chat is gone.
  const CURED_BY_RENEWAL = new Set(["session_expired", "session_invalid", "not_found"]);
  // What visitors are told, in their own language; what the server says of it is for whoever operates the bot.
  const OWN_WORDS = {
    identity: "identity", provider: "unavailable", network: "network",
    rate_limited: "rate_limited", quota_exceeded: "quota_exceeded", budget_exceeded: "quota_exceeded", timeout: "timeout",
    server_stopping: "interrupted", interrupted: "interrupted", provider_timeout: "timeout", nobody_there: "away",
    too_many_handoffs: "too_many_handoffs", too_long: "too_long", origin_not_allowed: "notHere", unavailable: "unavailable",
    database_unavailable: "unavailable", maintenance: "unavailable", tenant_inactive: "unavailable", conflict: "unavailable",
  };
  const tellFailure = (code, words) => words[OWN_WORDS[code] || OWN_WORDS[`${code}`.split("_")[0]] || "failed"];
  const NARROW = "(max-width: 480px), (max-height: 420px)";
  // Attributes that are properties as well, as frameworks like to set them.
  const ATTRIBUTES = [
    "bot-id", "api-url", "identity", "tags", "greeting", "placeholder", "placement", "theme", "position", "size",
  ];
  const DRAWN = ["bot-id", "api-url", "lang", "placement", "greeting", "placeholder"]; // anew where they change
  const CONTEXT = ["tags", "dataset_ids", "source_ids", "languages", "dated_from", "dated_until"];
  const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

  /** Whether a question or an answer of the history was stopped, or got lost. */
  const isCut = ({ outcome }) => outcome === "stopped" || outcome === "failed";

  class Failure extends Error {
    constructor(code, detail, retryable) {
      Object.assign(super(detail || code), { code, detail, retryable });
    }
  }

