/*! MiniRAG, MIT: python -m widget.build */
/*
 *   <script src="https://host/static/minirag/widget.js" data-bot-id="…" defer></script>
 *
 * What every page fetches: the element, its bubble, and what the page may call, which waits until the rest is there.
 * That is fetched from MiniRAG when somebody opens the chat.
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

  // Attributes that are properties as well, as frameworks like to set them.
  const ATTRIBUTES = [
    "bot-id", "api-url", "greeting", "placeholder", "placement", "identity", "tags", "theme", "position", "size",
  ];
  const DRAWN = ["lang", ...ATTRIBUTES.slice(0, 5)]; // anew where they change
  const CONTEXT = ["tags", "dataset_ids", "source_ids", "languages", "dated_from", "dated_until"];
  const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

