"""Why a passage was not found, and what would help, in plain sentences. Pure.

Each reason has a code for programs; `says` and `helps` are for people. They come in the order of what keeps a passage
away first: what is not searched needs no ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from knowledge.locating.whereabouts import Located, Whereabouts, is_among_best
from knowledge.retrieval.statement import CANDIDATES

MOST_PASSAGES: Final = 20  # of BotProfile.passage_count


@dataclass(frozen=True)
class Reason:
    """`helps` is empty where nothing has to be done."""

    code: str
    says: str
    helps: str = ""


_NOTHING: Final = {
    "chunk_unknown": (
        "There is no passage with this id.",
        "It may have been replaced when its source was ingested again. Look for it by its words.",
    ),
    "chunk_off": (
        "Somebody has switched it off, or its source has changed what was switched off or corrected.",
        "Look at it among the corrections: there it is switched on again, or decided.",
    ),
    "text_unknown": (
        "No passage has most of these words.",
        "See what was read of the page or file at its source; what is drawn in a picture or made by a script is not.",
    ),
    "source_unknown": ("There is no such source, or it was deleted.", ""),
    "source_external": (
        "This source is asked while a question is answered; nothing of it is stored here.",
        "How asking it went is among the search's external ones.",
    ),
    "source_failed": ("Its ingestion failed: {error}", "Mend that, and ingest it again."),
    "source_not_ready": ("It was not read yet: it is {error}.", "Ingest it, or wait until it is ready."),
    "source_empty": (
        "It was read, and there was no text in it.",
        "See what its file or page holds; a scanned file has no text.",
    ),
}  # fmt: skip
_HINDRANCES: Final = {
    "source_off": ("Its source is switched off.", "Switch the source on."),
    "parent_off": ("The source that it belongs to is switched off.", "Switch that one on."),
    "dataset_off": ("Its dataset is switched off.", "Switch the dataset on."),
    "not_linked": ("The bot does not answer from its dataset.", "Link the dataset to the bot."),
    "link_off": ("The bot's link to its dataset is switched off.", "Switch the link on."),
    "other_bot": (
        "It is another bot's own knowledge.",
        "Add the source to this bot, or put it into a dataset that both share.",
    ),
    "filtered": (
        "Its source is not among those that were searched.",
        "See by which filters the bot, or the question, chooses its sources.",
    ),
    "restricted": (
        "It is not for everybody, and who asks is in none of its groups.",
        "See whom its source, and its document's own head, say that it is for; or try the question as one of them.",
    ),
    "not_indexed": ("It is not in the index.", "Ingest its source again."),
}


def explain_nothing(located: Located) -> Reason:
    """Why there is no such passage at all."""
    says, helps = _NOTHING[located.why_nothing]
    return Reason(located.why_nothing, says.format(error=located.error.rstrip(".")), helps)


def explain_place(
    each: Whereabouts, *, wanted: int, asked_in: str, is_dense: bool, is_english_only: bool
) -> list[Reason]:
    """Why a passage stands where it does.

    `wanted` is how many passages the bot reads, `asked_in` the question's language. `is_dense`: vectors were compared;
    `is_english_only`: the embedder knows no other language.
    """
    if each.hindrances:
        return [Reason(code, *_HINDRANCES[code]) for code in each.hindrances]
    if each.fate == "read":
        return [Reason("read", f"It was found, in place {each.at}, and read.")]
    reasons = [
        _explain_fate(each, wanted), _explain_words(each), _explain_meaning(each, is_dense),
        _explain_language(each, asked_in, is_english_only),
    ]  # fmt: skip
    return [reason for reason in reasons if reason]


def _explain_fate(each: Whereabouts, wanted: int) -> Reason:
    if each.fate == "repeat":
        says = f"It says the same as a better passage, {each.repeat_of}, which took its place."
        return Reason("repeat", says)
    if each.fate == "limit":
        says = f"It was found in place {each.at}, and the bot reads {wanted} passages."
        helps = ""
        if each.at is not None and each.at <= MOST_PASSAGES:
            helps = f"With passage_count={each.at} it would be read."
        return Reason("limit", says, helps)
    if is_among_best(each.by_words) or is_among_best(each.by_meaning):
        says = "It is a candidate, but words and meaning together put too many passages before it."
        return Reason("outranked", says)
    says = f"It is among the {CANDIDATES} best neither by words nor by meaning."
    return Reason("outranked", says)


def _explain_words(each: Whereabouts) -> Reason | None:
    missing = [word.word for word in each.words if not word.is_there]
    if not missing:
        return None
    listed = ", ".join(missing[:12])
    helps = "Use the words that people ask with in its text or its headings."
    if len(missing) == len(each.words):
        return Reason("no_word", f"It has none of the question's words: {listed}.", helps)
    return Reason("words_missing", f"It does not have: {listed}.", helps)


def _explain_meaning(each: Whereabouts, is_dense: bool) -> Reason | None:
    if each.has_vector:
        return None
    if not is_dense:
        says = "Nothing was searched by meaning: the embedder did not answer."
        return Reason(
            "no_embedder", says, "See manage.py doctor, and the key of the embedding model."
        )
    says = "Only its words could be compared: it has no vector by the model that was searched with."
    helps = (
        "See whether its dataset's re-embedding waits or failed, and whether the embedder answers."
    )
    return Reason("no_vector", says, helps)


def _explain_language(each: Whereabouts, asked_in: str, is_english_only: bool) -> Reason | None:
    if not each.language or each.language == asked_in:
        return None
    says = f"The question is in “{asked_in}”, the passage in “{each.language}”."
    helps = ""
    if is_english_only:
        helps = "The embedder knows English only: take one of many languages, or a chat model to rewrite questions."
    return Reason("other_language", says, helps)
