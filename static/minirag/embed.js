// The tag that puts a bot on a page, written from what is chosen.
(() => {
  const section = document.querySelector("[data-embed]");
  if (!section) return;
  const chosen = (name) => section.querySelector(`[data-look="${name}"]`).value;
  const code = section.querySelector("[data-embed-code]");
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

  function writeTag() {
    const { botId, script, api } = section.dataset;
    const isInline = chosen("placement") === "inline";
    const prefix = isInline ? "" : "data-";
    const attributes = [`${prefix}bot-id="${botId}"`];
    if (api) attributes.push(`${prefix}api-url="${escape(api)}"`);
    if (chosen("lang")) attributes.push(`${prefix}lang="${chosen("lang")}"`);
    return isInline
      ? `<script src="${script}" defer></script>\n<minirag-widget ${attributes.join(" ")} placement="inline"></minirag-widget>`
      : `<script src="${script}" ${attributes.join(" ")} defer></script>`;
  }

  const show = () => (code.textContent = writeTag());
  section.addEventListener("input", show);
  const said = section.querySelector("[data-embed-copied]");
  const usual = said.textContent;
  section.querySelector("[data-embed-copy]").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = section.dataset.copied;
    } catch {
      window.getSelection().selectAllChildren(code); // an insecure origin: one key is left to press
      said.textContent = section.dataset.selected;
    }
    window.setTimeout(() => (said.textContent = usual), 4000);
  });
  show();
})();
