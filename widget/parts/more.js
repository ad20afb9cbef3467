  // --- What is fetched when it is wanted ---
  const MORE = "@more"; // names and checksums, put here by widget.build
  const MARKDOWN = "@markdown";

  const lose = () => Promise.reject(new Failure("network", null, true));
  const fetchScript = (pinned, server) => own.fetchScript(pinned, server).catch(lose);

  /** What only some pages need: see the file. */
  const fetchSeldom = (apiUrl) =>
    import(findBeside("seldom.js", apiUrl)).catch(lose);

