// The tree of knowledge: levels open in place, buttons act in place, and what is being read moves. Without this script
// each level is a page of its own, and buttons lead back to it.
(() => {
  const page = document.querySelector("[data-knowledge]");
  if (!page) return;
  const said = page.querySelector("[data-said]");
  const MOST_WATCHED = 50;

  const fetchPart = async (url, options = {}) => {
    const address = new URL(url, window.location.href);
    address.searchParams.set("part", "1");
    const response = await fetch(address, { credentials: "same-origin", ...options });
    if (!response.ok || response.redirected) throw new Error(String(response.status));
    return response.text();
  };
  const partOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  const fail = () => { said.textContent = page.dataset.failed; };

  const upgrade = (within) => {
    for (const link of within.querySelectorAll("[data-open-level]:not([aria-expanded])")) {
      link.setAttribute("role", "button");
      link.setAttribute("aria-expanded", "false");
    }
  };

  const toggle = async (link) => {
    const below = link.closest("li").querySelector(":scope > [data-below]");
    const opens = link.getAttribute("aria-expanded") !== "true";
    link.setAttribute("aria-expanded", String(opens));
    link.title = opens ? page.dataset.close : page.dataset.open;
    below.hidden = !opens;
    if (!opens || below.childElementCount) return watch();
    below.setAttribute("aria-busy", "true");
    try {
      below.replaceChildren(partOf(await fetchPart(link.href)));
      upgrade(below);
      watch();
    } catch {
      link.setAttribute("aria-expanded", "false");
      below.hidden = true;
      fail();
    }
    below.removeAttribute("aria-busy");
  };

  const showMore = async (link) => {
    const more = link.parentElement;
    try {
      const part = partOf(await fetchPart(link.href));
      const first = part.querySelector("li a, li button");
      upgrade(part);
      more.replaceWith(part);
      if (first) first.focus();
      watch();
    } catch { fail(); }
  };

  // A line is put in the place of what it was; what is open below it stays open.
  const putNode = (node, html) => {
    const fresh = partOf(html).querySelector("[data-node]");
    upgrade(fresh);
    const was = node.querySelector("[data-open-level]");
    const now = fresh.querySelector("[data-open-level]");
    if (was && now && was.getAttribute("aria-expanded") === "true") now.setAttribute("aria-expanded", "true");
    node.replaceWith(fresh);
    return fresh;
  };

  const renew = async (node) => {
    try {
      const url = new URL(page.dataset.nodeUrl, window.location.href);
      url.searchParams.set("node", node.dataset.node);
      const fresh = putNode(node, await fetchPart(url));
      const name = fresh.querySelector(".mr-node-name").textContent.trim();
      said.textContent = `${name}: ${fresh.querySelector(".mr-tag").textContent}`;
      watch();
    } catch { fail(); }
  };

  page.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("[data-open-level], [data-more]");
    if (!link) return;
    event.preventDefault();
    if (link.hasAttribute("data-more")) showMore(link); else toggle(link);
  });
  page.addEventListener("keydown", (event) => {
    const link = event.target.closest("[data-open-level]");
    if (!link || event.key !== " ") return;
    event.preventDefault();
    toggle(link);
  });

  page.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-act]");
    if (!form) return;
    event.preventDefault();
    const node = form.closest("[data-node]");
    const body = new FormData(form, event.submitter);
    for (const button of node.querySelectorAll("button")) button.disabled = true;
    try {
      const act = event.submitter.value;
      const fresh = putNode(node, await fetchPart(form.action, { method: "POST", body }));
      const told = fresh.querySelector("[data-new]");
      if (told) said.textContent = told.textContent;
      const next = fresh.querySelector(`[name=act][value=${act}]`) || fresh.querySelector("button, a");
      if (next) next.focus();
      watch();
    } catch {
      for (const button of node.querySelectorAll("button")) button.disabled = false;
      fail();
    }
  });

  // One socket for what is shown: those that move first. It names its sources once, so another set is another socket.
  let socket = null;
  let watched = "";
  let tries = 0;
  const shown = () => {
    const nodes = [...page.querySelectorAll('[data-kind="source"]')].filter((node) => !node.closest("[hidden]"));
    return nodes.sort((one, other) => Number(other.dataset.moving || 0) - Number(one.dataset.moving || 0));
  };
  const tell = (frame) => {
    for (const node of page.querySelectorAll(`[data-node="${frame.source_id}"][data-kind="source"]`)) {
      if (node.dataset.status !== frame.status) {
        node.dataset.status = frame.status;
        renew(node);
        continue;
      }
      const told = node.querySelector("[data-told]");
      if (told) told.textContent = frame.shown;
      const bar = node.querySelector("[data-bar]");
      if (bar && frame.total) { bar.max = frame.total; bar.value = frame.done; }
    }
  };
  const connect = () => {
    const url = new URL(page.dataset.socket, window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const own = new WebSocket(url);
    socket = own;
    own.addEventListener("open", () => {
      own.send(JSON.stringify({ type: "watch", ticket: page.dataset.ticket, source_ids: watched.split(",") }));
    });
    own.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      if (frame.type !== "progress") return;
      tries = 0;
      tell(frame);
    });
    own.addEventListener("close", (event) => {
      if (own !== socket || event.code === 4401) return;
      tries += 1;
      window.setTimeout(() => { if (own === socket) connect(); }, Math.min(30, 2 ** tries) * 1000);
    });
  };
  const watch = () => {
    const ids = shown().slice(0, MOST_WATCHED).map((node) => node.dataset.node).join(",");
    if (ids === watched) return;
    watched = ids;
    const old = socket;
    socket = null;
    if (old) old.close();
    if (ids) connect();
  };

  upgrade(page);
  watch();
})();
