  // --- Links, and names ---
  /** A random UUID; crypto.randomUUID exists on secure origins only. */
  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  const safeUrl = (text) => (/^https?:\/\/\S+$/i.test(text) ? text : null);
  /** Addresses of mail and phone too; anything else that a text calls a link is none. */
  const safeLink = (text) => safeUrl(text) || (/^(?:mailto:[^\s@]+@\S+|tel:\+?[\d().-]{3,})$/i.test(text) ? text : null);

  const tellCitation = ({ number, title, url, page }) => ({ number, title, url: safeUrl(url || "") || "", page: page || null });

  const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
  const NEW_TAB = { target: "_blank", rel: "noopener noreferrer nofollow" };
  const link = (href, text) => build("a", { href, ...(safeUrl(href) ? NEW_TAB : {}) }, text);

