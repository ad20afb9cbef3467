"""An explanation in lines of text, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conversations.explaining.comparing import Comparison
from conversations.explaining.explaining import Explanation, Sought
from knowledge.locating.reasons import Reason
from knowledge.locating.whereabouts import Place

_FATES: Final = {
    "cited": "cited", "read": "read", "not_read": "found, read by nobody", "repeat": "repeat",
    "limit": "behind the limit",
}  # fmt: skip
_WIDTH: Final = 60


def print_explanation(found: Explanation) -> Iterator[str]:
    """Step by step: understood, searched, found, judged, said, spent; then the passages that were looked for."""
    yield f"Question    {_one_line(found.question)}"
    yield from _print_understood(found.told)
    yield from _print_search(found.told)
    yield from _print_candidates(found.told)
    yield from _print_judged(found.told)
    yield "Said"
    for line in (found.answer or "(nothing)").splitlines():
        yield f"  {line}"
    for number, passage in found.citations:
        yield f"  [{number}] {passage.heading or passage.title} {passage.url}".rstrip()
    yield from _print_spent(found.told)
    yield from _print_reason("Verdict", found.verdict)
    yield from print_sought(found)


def _print_understood(told: Mapping[str, Any]) -> Iterator[str]:
    understood = told["understood"]
    if not understood:
        return
    kind = understood["small_talk"] or understood["kind"]
    yield f"Understood  {kind}, in {understood['language']}, by {understood['decided_by']}"
    yield f"  searched for: {_one_line(understood['question'])}"
    for each in understood["carried"]:
        yield f"  with, for {each['weight']:g}: {_one_line(each['text'])}"
    if rewriting := told["rewriting"]:
        yield f"  {rewriting['model']} was asked to rewrite it: {rewriting['outcome']}"


def _print_search(told: Mapping[str, Any]) -> Iterator[str]:
    search = told["search"]
    if not search:
        yield "Searched    nothing"
        return
    model = search["embedding_model"] or "no embedder"
    yield f"Searched    {search['mode']}, {model}, {search['milliseconds']:.0f} ms"
    for each in search["expansions"]:
        yield f"  {each['term']} also as {each['found']} ({each['kind']}, {each['weight']:g})"
    for each in search["external"]:
        yield f"  external {each['source_id']}: {each['outcome']}, {each['passages']} passages"


def _print_candidates(told: Mapping[str, Any]) -> Iterator[str]:
    if not told["candidates"]:
        return
    yield "Found"
    yield "       score  words meaning  close  taken"
    for each in told["candidates"]:
        scores = (
            f"{_figure(each['score'], 3):>6} {_figure(each['bm25'], 2):>6} {_figure(each['cosine'], 3):>7} "
            f"{_figure(each['closeness'], 3):>6} {_figure(each['taken_up'], 3):>6}"
        )
        numbers = "".join(f" [{number}]" for number in each["numbers"])
        fate = _FATES[each["fate"]] + (f" of {each['repeat_of']}" if each["repeat_of"] else "")
        place = "(gone)" if each["is_gone"] else each["heading"] or each["title"] or "(external)"
        yield f"  {each['place']:>3} {scores}  {place[:_WIDTH]}: {fate}{numbers}"


def _print_judged(told: Mapping[str, Any]) -> Iterator[str]:
    search, check, prompt = told["search"], told["check"], told["prompt"]
    if search:
        floor = f", floor {search['floor']} ({search['made_for']})" if search["floor"] else ""
        carrier = f", carried by {search['carrier']}" if search["carrier"] else ""
        yield f"Judged      confidence {search['confidence']:.3f} against {search['threshold']:.3f}{floor}{carrier}"
    if prompt:
        yield (
            f"  given to read: {prompt['passages']} of {prompt['passages_found']} passages, "
            f"{prompt['said']} of {prompt['said_before']} messages, {prompt['characters']:,} characters"
        )
    if check:
        verdict = "passed" if check["is_answered"] else "failed"
        lacks = ", ".join([*check["missing"], *([check["lacks"]] if check["lacks"] else [])])
        yield f"  check of the quotation: {verdict}, covers {check['coverage']:.2f}" + (
            f", lacks {lacks}" if lacks else ""
        )
    for each in told["support"]:
        if not each["is_supported"]:
            yield f"  not supported ({each['why']}): {_one_line(each['sentence'])}"


def _print_spent(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"Took        {told['latency_ms'] or 0} ms" + "".join(
        f", {name} {took:g}" for name, took in told["stages"].items()
    )
    for call in told["calls"]:
        took = "" if call["milliseconds"] is None else f", {call['milliseconds']:.0f} ms"
        yield (
            f"  {call['purpose']}: {call['model']}, {call['prompt_tokens']} + {call['completion_tokens']} tokens, "
            f"${call['cost_usd']:.6f}{took}"
        )


def print_sought(found: Explanation) -> Iterator[str]:
    """Where the passages that were looked for stand, and why."""
    if found.located is not None:
        spoken = ", ".join(found.located.languages)
        yield f"Looked for  in {found.located.sources} sources with {found.located.rows} passages ({spoken})"
    if found.why_nothing is not None:
        yield from _print_reason("Not there", found.why_nothing)
    for each in found.sought:
        yield from _print_whereabouts(each)


def _print_whereabouts(sought: Sought) -> Iterator[str]:
    where = sought.where
    yield f"Passage     {where.chunk_id} of {where.source_name}: {where.heading or where.title}"
    yield f"  {where.excerpt[: 2 * _WIDTH]}"
    words, meaning = _place(where.by_words), _place(where.by_meaning)
    vector = "" if where.has_vector else " (no vector)"
    yield f"  by words {words}, by meaning {meaning}{vector}, of {where.compared}"
    told = (
        f"{'+' if word.is_there else '-'}{word.word}{f' ({chr(44).join(word.instead)})' if word.instead else ''}"
        for word in where.words
    )
    yield f"  words: {' '.join(told)}"
    for reason in sought.reasons:
        yield from _print_reason("Because", reason)


def print_comparison(found: Comparison) -> Iterator[str]:
    """What the two bots differ in, and what became of it."""
    yield "Configuration"
    for name, (one, two) in found.configuration.items():
        yield f"  {name}: {_one_line(str(one))} | {_one_line(str(two))}"
    if not found.configuration:
        yield "  the same"
    yield "Figures"
    for name, (one, two) in found.figures.items():
        yield f"  {name:<18} {_show(one):>16} {_show(two):>16}{'' if one == two else '  *'}"
    yield "Passages"
    for each in found.passages:
        one, two = each.places
        scores = " ".join(f"{_figure(score, 3):>6}" for score in each.scores)
        yield f"  {_show(one):>3} {_show(two):>3}  {scores}  {(each.heading or each.title)[:_WIDTH]}"
    for which, side in (("First says", found.first), ("Second says", found.second)):
        yield which
        yield from (f"  {line}" for line in (side.answer or "(nothing)").splitlines())
        yield from _print_reason("Verdict", side.verdict)
        yield from print_sought(side)


def _print_reason(title: str, reason: Reason) -> Iterator[str]:
    yield f"{title:<11} {reason.says} ({reason.code})"
    if reason.helps:
        yield f"  → {reason.helps}"


def _place(place: Place) -> str:
    return f"{place.score:g}, place {place.at}" if place.at else f"{place.score:g}"


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value is None else str(value)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 2 * _WIDTH else f"{line[: 2 * _WIDTH]}…"
