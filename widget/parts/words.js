  // --- Words ---
  const ENGLISH = own.english; // what is said here, and what a script that is fetched later adds
  const DICTIONARIES = {};

  /** Words of a language; what its file lacks, or all where it could not be had, is English. */
  function findWords(language, words) {
    if (words) DICTIONARIES[language] = DICTIONARIES[language] || { ...ENGLISH, ...words, tag: language };
    return DICTIONARIES[language] || ENGLISH;
  }

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

  /** Words that depend on a number, in the form that the language has for it: {one: …, few: …, other: …}. */
  const count = (words, name, n) => fill(words[name][new Intl.PluralRules(words.tag).select(n)] || words[name].other, { n });

