  // --- The end of an answer that is still being written ---
  const FENCE = /^\s{0,3}(`{3,}|~{3,})/;
  const BARE = /^[\s>]*(?:[-*+•]|\d{1,3}[.)]?|#{1,6}|[-=*_`~|:+\s]+)?\s*$/; // what a line begins with, and nothing yet
  const STARTS = /^[\s>]*(?:(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s+(?:\[[ xX]?\]?\s*)?)?/;
  const RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

  /** The text without what is half there: no raw asterisks, half a table, half a link or half a number come and go. */
  function settle(text) {
    const lines = text.replace(/\r\n?/g, "\n").split("\n");
    let fence = "";
    let from = 0; // where the last block begins
    lines.forEach((line, at) => {
      const found = FENCE.exec(line);
      if (fence) {
        if (found && found[1].startsWith(fence) && !line.trim().slice(found[1].length)) (fence = ""), (from = at + 1);
      } else if (found) (fence = found[1]), (from = at);
      else if (!line.trim()) from = at + 1;
    });
    const last = lines.length - 1;
    if (fence) return (from === last || /^\s*[`~]+$/.test(lines[last]) ? lines.slice(0, last) : lines).join("\n");
    if (last >= from && BARE.test(lines[last])) lines[last] = "";
    const tail = lines.slice(from);
    const isTable = tail.length > 1 && RULE.test(tail[1]) && tail[1].includes("-");
    if (isTable) return (tail.length > 2 ? lines.slice(0, last) : lines).join("\n");
    if (/\|/.test(tail[0]) && (tail.length === 1 || (tail.length === 2 && !tail[1].trim()))) return lines.slice(0, from).join("\n");
    let start = tail.length - 1;
    while (start > 0 && STARTS.exec(tail[start])[0].trim() === "") start -= 1;
    const block = tail.slice(start).join("\n");
    const opening = STARTS.exec(block)[0];
    return [...lines.slice(0, from + start), opening + closeSpans(block.slice(opening.length))].join("\n");
  }

  /** One block's words with every span closed that is open, and no half link. */
  function closeSpans(text) {
    const open = [];
    let made = "";
    for (let at = 0; at < text.length; ) {
      const rest = text.slice(at);
      const run = /^(`+|\*+|_+|~~)/.exec(rest);
      if (rest[0] === "\\") {
        made += rest.length > 1 ? rest.slice(0, 2) : "";
        at += 2;
      } else if (rest[0] === "`") {
        const end = rest.indexOf(run[0], run[0].length);
        if (end < 0) return closing(rest.length > run[0].length ? `${made}${rest}${run[0]}` : made, open);
        made += rest.slice(0, end + run[0].length);
        at += end + run[0].length;
      } else if (/^!?\[/.test(rest)) {
        const [taken, shown] = closeLink(rest);
        made += shown;
        at += taken;
      } else if (run) {
        made += delimit(run[0], made, rest.slice(run[0].length), open);
        at += run[0].length;
      } else {
        made += rest[0];
        at += 1;
      }
    }
    return closing(made, open);
  }

  /** `open` has the signs with where their words begin; one without words goes away. */
  const closing = (made, open) => {
    let text = open.length ? made.trimEnd() : made;
    for (const { sign, from } of [...open].reverse()) text = text.length > from ? text + sign : text.slice(0, from - sign.length);
    return text;
  };

  /** A run of signs: does it close what is open, open something, or is it the half of what comes? */
  function delimit(run, before, after, open) {
    const [under, top] = [...[{}, {}], ...open].slice(-2).map(({ sign = "" }) => sign);
    const ends = /\S$/.test(before);
    if (top && ends && (top === run || (!after && top.startsWith(run[0])))) return open.pop().sign;
    if (!after) return "";
    if (under && ends && top + under === run) open.splice(-2);
    else if (run.length < 4 && /^\S/.test(after) && !(run[0] === "_" && /[\p{L}\p{N}_]$/u.test(before)))
      open.push({ sign: run, from: before.length + run.length });
    return run;
  }

  /** How much of a link or a citation there is, and what of it can be shown. */
  function closeLink(rest) {
    const label = /^!?\[((?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]?/.exec(rest);
    const [whole, text] = label;
    const shown = rest[0] === "!" || /^[\d\s,]*$/.test(text) ? "" : text;
    if (whole.length === rest.length && !whole.endsWith("]")) return [whole.length, shown];
    if (rest[whole.length] !== "(") return whole.length === rest.length && shown ? [whole.length, shown] : [whole.length, whole];
    const target = /^\((?:[^()"'\n]|\([^()\n]*\)|"[^"\n]*"|'[^'\n]*')*\)/.exec(rest.slice(whole.length));
    return target ? [whole.length + target[0].length, whole + target[0]] : [rest.length, shown];
  }
