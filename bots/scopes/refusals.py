"""What a bot says when its scopes refuse: their own words, or a fixed sentence that names what it can do. Pure.

No model writes these, so nothing of a question that was refused reaches one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bots.models import Scope
from bots.scopes.guardrails import FORBIDDEN_TOPIC, OFF_TOPIC, UNSAFE_QUESTION, Verdict

_SHOWN_TOPICS = 6
_SENTENCES: Final = {
    "en": {
        FORBIDDEN_TOPIC: "I do not speak about that.",
        OFF_TOPIC: "That is not what I am here for.",
        UNSAFE_QUESTION: "I cannot do that.",
        "filtered": "I cannot answer that question.",
        "topics": "I can help with: {}.",
    },
    "de": {
        FORBIDDEN_TOPIC: "Darüber spreche ich nicht.",
        OFF_TOPIC: "Dafür bin ich nicht da.",
        UNSAFE_QUESTION: "Das kann ich nicht tun.",
        "filtered": "Diese Frage kann ich nicht beantworten.",
        "topics": "Ich helfe gern bei: {}.",
    },
    "fr": {
        FORBIDDEN_TOPIC: "Je ne parle pas de ce sujet.",
        OFF_TOPIC: "Je ne suis pas là pour cela.",
        UNSAFE_QUESTION: "Je ne peux pas faire cela.",
        "filtered": "Je ne peux pas répondre à cette question.",
        "topics": "Je peux vous aider sur : {}.",
    },
    "es": {
        FORBIDDEN_TOPIC: "No hablo de ese tema.",
        OFF_TOPIC: "No estoy aquí para eso.",
        UNSAFE_QUESTION: "No puedo hacer eso.",
        "filtered": "No puedo responder a esa pregunta.",
        "topics": "Puedo ayudarle con: {}.",
    },
    "it": {
        FORBIDDEN_TOPIC: "Non parlo di questo argomento.",
        OFF_TOPIC: "Non sono qui per questo.",
        UNSAFE_QUESTION: "Non posso farlo.",
        "filtered": "Non posso rispondere a questa domanda.",
        "topics": "Posso aiutarla con: {}.",
    },
    "nl": {
        FORBIDDEN_TOPIC: "Daar spreek ik niet over.",
        OFF_TOPIC: "Daar ben ik niet voor.",
        UNSAFE_QUESTION: "Dat kan ik niet doen.",
        "filtered": "Die vraag kan ik niet beantwoorden.",
        "topics": "Ik kan helpen met: {}.",
    },
    "pt": {
        FORBIDDEN_TOPIC: "Não falo sobre esse assunto.",
        OFF_TOPIC: "Não estou aqui para isso.",
        UNSAFE_QUESTION: "Não posso fazer isso.",
        "filtered": "Não posso responder a essa pergunta.",
        "topics": "Posso ajudar com: {}.",
    },
}


def write_filtered(language: str) -> str:
    """What is said where a model provider's content filter refused the question; no bot has words of its own for it."""
    return _SENTENCES.get(language, _SENTENCES["en"])["filtered"]


def write_refusal(verdict: Verdict, scopes: Iterable[Scope], *, own: str, language: str) -> str:
    """The scope's own refusal, else the bot's (`own`), else ours in the question's language with the allowed topics."""
    if verdict.scope is not None and verdict.scope.refusal_text.strip():
        return verdict.scope.refusal_text.strip()
    if own.strip():
        return own.strip()
    sentences = _SENTENCES.get(language, _SENTENCES["en"])
    topics = list(
        dict.fromkeys(topic.strip(' "“”„«»') for scope in scopes for topic in scope.allowed_topics)
    )
    if not topics:
        return sentences[verdict.reason]
    shown = ", ".join(topics[:_SHOWN_TOPICS]) + (", …" if len(topics) > _SHOWN_TOPICS else "")
    return f"{sentences[verdict.reason]} {sentences['topics'].format(shown)}"
