  // --- What is fetched when it is wanted ---
  const MORE = "@more"; // names and checksums, put here by widget.build
  const MARKDOWN = "@markdown";
  const fetched = new Map();
  let moreStyles = "";
  let trust = (url) => url;
  try { // a page may demand that addresses of scripts are made by a policy that it knows
    const policy = window.trustedTypes && trustedTypes.createPolicy("minirag-widget", { createScriptURL: trust });
    if (policy) trust = (url) => policy.createScriptURL(url);
  } catch {} // it does not know this one

  /** Runs with the page's own nonce; where the page has pinned this script, that one is pinned as well. */
  function fetchScript({ name, integrity }, server) {
    if (fetched.has(name)) return fetched.get(name);
    const src = trust(findBeside(name, server));
    const script = build("script", { src, async: true, nonce: (SCRIPT && SCRIPT.nonce) || "" });
    if (SCRIPT && SCRIPT.integrity) Object.assign(script, { integrity, crossOrigin: "anonymous" });
    const coming = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => {
        fetched.delete(name);
        script.remove();
        reject(new Failure("network", null, true));
      };
    });
    fetched.set(name, coming);
    document.head.append(script);
    return coming;
  }
