// The page of a source says how far its ingestion is, without being reloaded.
(() => {
  const shown = document.querySelector("[data-progress]");
  if (!shown) return;
  const url = new URL(shown.dataset.socket, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  let tries = 0;

  const connect = () => {
    const socket = new WebSocket(url);
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ type: "watch", ticket: shown.dataset.ticket, source_ids: [shown.dataset.progress] }));
    });
    socket.addEventListener("message", (event) => {
      const frame = JSON.parse(event.data);
      if (frame.type !== "progress") return;
      tries = 0;
      shown.textContent = [frame.shown, frame.holds].filter(Boolean).join(" · ");
      const status = document.querySelector("[data-status]");
      if (status) status.textContent = frame.shown_status;
    });
    socket.addEventListener("close", (event) => {
      if (event.code === 4401) return;
      tries += 1;
      window.setTimeout(connect, Math.min(30, 2 ** tries) * 1000);
    });
  };
  connect();
})();
