  // --- What is fetched when it is wanted ---
  const CHAT = "@chat"; // its checksum, put here by widget.build
  const SCRIPT_SECONDS = 20;
  const fetched = new Map();
  let trust = (url) => url;
  try { // a page may demand that addresses of scripts are made by a policy that it knows
    const policy = window.trustedTypes && trustedTypes.createPolicy("minirag-widget", { createScriptURL: trust });
    if (policy) trust = (url) => policy.createScriptURL(url);
  } catch {} // it does not know this one

  /** Where a file of ours is: beside the script as MiniRAG serves it, else at the server that the widget talks to. */
  function findBeside(name, apiUrl) {
    const isOurs = SCRIPT && /\/static\/minirag\/[^/]+$/.test(SCRIPT.src.replace(/[?#].*$/, ""));
    return new URL(name, isOurs ? SCRIPT.src : new URL("/static/minirag/", apiUrl)).href;
  }

  /**
   * Runs with the page's own nonce; where the page has pinned this script, that one is pinned as well. A changed one has
   * another address, so that no cache holds the old one.
   */
  function fetchScript([name, integrity], server) {
    if (fetched.has(name)) return fetched.get(name);
    const src = trust(findBeside(`${name}.js?v=${integrity.slice(7, 19).replace(/\W/g, "")}`, server));
    const script = build("script", { src, async: true, nonce: (SCRIPT && SCRIPT.nonce) || "" });
    if (SCRIPT && SCRIPT.integrity) Object.assign(script, { integrity, crossOrigin: "anonymous" });
    const coming = new Promise((resolve, reject) => {
      script.onload = () => (clearTimeout(patience), resolve());
      script.onerror = () => {
        clearTimeout(patience);
        fetched.delete(name);
        script.remove();
        reject();
      };
      const patience = setTimeout(script.onerror, SCRIPT_SECONDS * 1000);
    });
    fetched.set(name, coming);
    document.head.append(script);
    return coming;
  }

