  function insert() {
    if (!SCRIPT || !SCRIPT.dataset.botId || document.querySelector("minirag-widget")) return;
    document.body.append(document.createElement("minirag-widget"));
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", insert);
  else insert();
})();
