  // --- Words ---
  // What stands on the page before the rest is there. That has English; each other language is a file beside this script.
  const LAUNCHER = "@launcher"; // put here by widget.build, of static/minirag/words

  /** The first wanted language that there are words for, else English: "pt-BR" and "pt_br" are Portuguese. */
  function chooseLanguage(wanted) {
    for (const tag of wanted) {
      const subtags = tag.toLowerCase().split(/[-_]/);
      for (; subtags.length; subtags.pop()) {
        if (LAUNCHER[subtags.join("-")]) return subtags.join("-");
      }
    }
    return "en";
  }

  /** What a JSON file says; null where it cannot be had. */
  async function fetchJson(address) {
    const answer = await fetch(address, { credentials: "omit", signal: AbortSignal.timeout(5000) }).catch(() => null);
    return answer && answer.ok ? answer.json().catch(() => null) : null;
  }

  /** All words of a language; none for English, or where its file cannot be had. */
  const fetchWords = (language, server) => language !== "en" && fetchJson(findBeside(`words/${language}.json`, server));

