"""What a bot says when its scopes refuse: their own words, or a fixed sentence that names what it can do. Pure.

No model writes these, so nothing of a question that was refused reaches one.
"""

from __future__ import annotations

from collections.abc import Iterable

from bots.models import Scope
from bots.scopes.guardrails import FORBIDDEN_TOPIC, OFF_TOPIC, UNSAFE_QUESTION, Verdict
from minirag.lib.text.language_table import comma_in
from minirag.lib.text.phrases import phrases_in

_SHOWN_TOPICS = 6


def write_filtered(language: str) -> str:
    """What is said where a model provider's content filter refused the question; no bot has words of its own for it."""
    return phrases_in(language).filtered


def write_refusal(verdict: Verdict, scopes: Iterable[Scope], *, own: str, language: str) -> str:
    """The scope's own refusal, else the bot's (`own`), else ours in the question's language with the allowed topics."""
    if verdict.scope is not None and verdict.scope.refusal_text.strip():
        return verdict.scope.refusal_text.strip()
    if own.strip():
        return own.strip()
    phrases = phrases_in(language)
    sentence = {
        FORBIDDEN_TOPIC: phrases.forbidden_topic,
        OFF_TOPIC: phrases.off_topic,
        UNSAFE_QUESTION: phrases.unsafe_question,
    }[verdict.reason]
    topics = list(
        dict.fromkeys(topic.strip(' "“”„«»') for scope in scopes for topic in scope.allowed_topics)
    )
    if not topics:
        return sentence
    shown = [*topics[:_SHOWN_TOPICS], *(["…"] if len(topics) > _SHOWN_TOPICS else [])]
    return f"{sentence} {phrases.topics.format(comma_in(language).join(shown))}"
