  // --- What is fetched when it is wanted ---
  const MORE = "@more"; // its name and checksum, put here by widget.build
  let fetchedMore = null;
  let moreStyles = "";

  /** Runs with the page's own nonce; where the page has pinned this script, that one is pinned as well. */
  function fetchMore(server) {
    const script = build("script", { src: findBeside(MORE.name, server), async: true, nonce: (SCRIPT && SCRIPT.nonce) || "" });
    if (SCRIPT && SCRIPT.integrity) Object.assign(script, { integrity: MORE.integrity, crossOrigin: "anonymous" });
    fetchedMore = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => {
        fetchedMore = null;
        reject(new Failure("network", null, true));
      };
    });
    document.head.append(script);
    return fetchedMore;
  }
