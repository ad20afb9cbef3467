  // --- Words ---
  // English is here. Each other language is a file beside this script, which only pages that want it fetch.
  const LANGUAGES = "@languages"; // both put here by widget.build, of static/minirag/words
  const ENGLISH = { ..."@english", tag: "en" };
  const DICTIONARIES = { en: ENGLISH };

  /** The first wanted language that there are words for, else English: "pt-BR" and "pt_br" are Portuguese. */
  function chooseLanguage(wanted) {
    for (const tag of wanted) {
      const subtags = tag.toLowerCase().split(/[-_]/);
      for (; subtags.length; subtags.pop()) {
        if (LANGUAGES.includes(subtags.join("-"))) return subtags.join("-");
      }
    }
    return "en";
  }

  /** Where a file of ours is: beside the script as MiniRAG serves it, else at the server that the widget talks to. */
  function findBeside(name, apiUrl) {
    const isOurs = SCRIPT && /\/static\/minirag\/[^/]+$/.test(SCRIPT.src.replace(/[?#].*$/, ""));
    return new URL(name, isOurs ? SCRIPT.src : new URL("/static/minirag/", apiUrl)).href;
  }

  /** What only some pages need: see the file. */
  const fetchSeldom = (apiUrl) =>
    import(findBeside("seldom.js", apiUrl)).catch(() => Promise.reject(new Failure("network", null, true)));

  /** Words of a language. What its file lacks, or all where it cannot be had, is English. */
  async function fetchWords(language, apiUrl) {
    if (DICTIONARIES[language]) return DICTIONARIES[language];
    const asked = { credentials: "omit", signal: AbortSignal.timeout(5000) };
    const answer = await fetch(findBeside(`words/${language}.json`, apiUrl), asked).catch(() => null);
    const words = answer && answer.ok ? await answer.json().catch(() => null) : null;
    if (!words) return ENGLISH;
    DICTIONARIES[language] = { ...ENGLISH, ...words, tag: language };
    return DICTIONARIES[language];
  }

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

  /** Words that depend on a number, in the form that the language has for it: {one: …, few: …, other: …}. */
  const count = (words, name, n) => fill(words[name][new Intl.PluralRules(words.tag).select(n)] || words[name].other, { n });

