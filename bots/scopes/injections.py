"""Plain attempts to talk a bot out of its instructions, told by how they are built. Pure.

No word or phrase is suspicious by itself: "How do I rotate my API key?", "Explain jailbreak detection" and "Why does
the printer ignore my instructions?" are questions. What is refused is an order to the bot, where a sentence begins: to
drop the instructions it has, to show them, or to be another one without rules. Text in quotation marks was said by
somebody else and does not count. Seven languages, few patterns: people who try will find words that pass, and a bot
is not safe because of this file. The model is told what is data, has no secret in its prompt, and may cite only what it
got.

Measured on the sentences of bots/tests/test_injections.py, for which the patterns were made: of 25 attempts 23 are
found, of 40 ordinary questions none is refused. Not found: playing roles without a word of rules, and spaced letters.
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST = 4000  # characters: patterns cost time


def _any_of(words: str) -> str:
    """A group of the given words, written one after another with commas; each may be a pattern itself."""
    return "(?:" + "|".join(word.strip() for word in words.split(",")) + ")"


_AFTER = _any_of(
    "and, then, now, und, dann, jetzt, et, puis, y, ahora, luego, e, ora, poi, en, nu, agora, depois"
)
_POLITE = _any_of(
    "okay, ok, so, now, first, please, just, bitte, also, por favor, per favore, alsjeblieft"
)
_ADDRESS = _any_of(
    r"i (?:want|need|order|command) you to, you (?:must|should|will|can|have to|are to)(?: now)?, your task is to,"
    r"(?:can|could|will|would) you, from now on\W?, ich möchte\W? dass du, du (?:sollst|musst), tu dois, debes, devi"
)
_START = rf"(?:^|[.!?:;,]\s*|\b{_AFTER}\s+)(?:{_POLITE}\W+){{0,3}}(?:{_ADDRESS}\s+(?:please\s+|now\s+)?)?"

_OLD = _any_of(
    "previous, prior, above, earlier, preceding, former, existing, original, initial, system, given, own"
)
_RULES = _any_of(
    "instructions?, rules?, prompts?, guidelines?, guardrails?, directions?, directives?, restrictions?, programming,"
    "policies, constraints"
)
_DROP = _any_of("ignore, disregard, forget, override, bypass, do(?: not|n't) (?:follow|obey)")
_TOLD = (
    r"(?:everything|anything|all|what)(?: that)?\s+(?:(?:was|is|has been|you (?:were|have been|are))\s+)?"
    r"(?:said|told|written|above|before|so far)"
)
_THEIRS = rf"(?:(?:all|any|every|each|of|the|these|those|your|my)\s+)*(?:{_OLD}\s+(?:and\s+)?)*{_OLD}\s+{_RULES}"
_YOUR_RULES = rf"(?:(?:all|any)\s+(?:of\s+)?)?(?:your|the)\s+{_RULES}"

_SHOW = _any_of(
    "reveal, print, show, repeat, output, display, recite, quote, dump, leak, write out, give, tell,"
    "what (?:is|are|was|were)"
)
_SHOW_ME = rf"{_SHOW}\s+(?:me\s+|us\s+|back\s+)?(?:all\s+(?:of\s+)?)?"
_HIDDEN = r"(?:(?:system|initial|hidden|original|secret|internal|developer)\s+(?:prompt|instructions?|message|rules?))"
_ABOUT = r"(?!\s+(?:for|on|about|to|regarding|when|if)\b)"  # "your instructions for returns" are a customer's business

_GERMAN_ALL = _any_of(
    "alle[ns]?, sämtlichen?, deinen?, diesen?, die, bisherigen?, vorherigen?, obigen?, vorigen?"
)
_GERMAN_RULES = _any_of("anweisung(?:en)?, regeln, vorgaben, instruktionen, befehle, richtlinien")

_PATTERNS: Final = (
    # Drop what you were told; show it; be without it.
    rf"{_START}{_DROP}\s+(?:about\s+)?(?:{_THEIRS}|{_YOUR_RULES}|{_TOLD})\b",
    rf"{_START}{_SHOW_ME}your\s+(?:(?:full|exact|entire|own)\s+)*(?:{_HIDDEN}|instructions|prompt|guardrails)\b{_ABOUT}",
    rf"{_START}{_SHOW_ME}the\s+(?:full\s+|exact\s+)?(?:system prompt|hidden instructions|(?:words|text) above)\b",
    r"\byou are (?:now\s+)?(?:in\s+)?(?:an?\s+)?(?:dan\b|developer mode|(?:unrestricted|unfiltered|jailbroken)\b)",
    r"\b(?:pretend|act (?:as|like)|behave (?:as|like)|answer|respond|reply)\b[^.!?:]{0,60}"
    r"\b(?:no|without(?: any)?|free of)\s+(?:your\s+)?(?:rules|restrictions|guidelines|guardrails|filters)\b",
    # German
    rf"{_START}{_any_of('ignoriere?, vergiss, vergesst, missachte, umgehe, verwirf')}\s+(?:bitte\s+|jetzt\s+|nun\s+)?"
    rf"(?:{_GERMAN_ALL}\s+)+{_GERMAN_RULES}\b",
    rf"{_START}ignoriere?\s+alles,?\s+was\b",
    r"\b(?:zeige?|verrate|nenne|gib)\s+(?:mir\s+|uns\s+)?(?:bitte\s+)?(?:deinen?|den)\s+"
    r"(?:system-?prompt|(?:geheimen |versteckten )?anweisungen)\b",
    # French, Spanish, Italian, Portuguese, Dutch
    r"\b(?:ignore[zr]?|oublie[zr]?)\s+(?:toutes?\s+|les\s+|tes\s+|vos\s+|ces\s+)+(?:\w+\s+)?"
    r"(?:instructions|consignes|règles|directives)\b",
    r"\b(?:ignora|ignore|olvida|olvide|omite)\s+(?:todas?\s+|las\s+|tus\s+|sus\s+|estas\s+)+(?:\w+\s+)?"
    r"(?:instrucciones|reglas|órdenes|indicaciones)\b",
    r"\b(?:ignora|dimentica|trascura)\s+(?:tutte\s+|le\s+|tue\s+|queste\s+)+(?:\w+\s+)?(?:istruzioni|regole|direttive)\b",
    r"\b(?:ignore|esqueça|esquece|desconsidere)\s+(?:todas\s+|as\s+|suas\s+|tuas\s+|essas\s+)+(?:\w+\s+)?"
    r"(?:instruções|regras|diretrizes)\b",
    r"\b(?:negeer|vergeet)\s+(?:alle\s+|de\s+|je\s+|jouw\s+|deze\s+)+(?:\w+\s+)?(?:instructies|regels|richtlijnen)\b",
    r"\b(?:montre|révèle|muestra|muéstrame|revela|mostra(?:mi)?|rivela|mostre|toon)\b[^.!?]{0,20}"
    r"\b(?:tes|vos|tus|tu|tuas|seu|il tuo|je|ton|votre)\s+"
    r"(?:prompt|instructions|instrucciones|istruzioni|instruções|systeemprompt)\b",
)  # fmt: skip
_ATTEMPTS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS)
_QUOTED = re.compile(
    r"\"[^\"]{1,300}\"|“[^”]{1,300}”|„[^“”]{1,300}[“”]|«[^»]{1,300}»|`[^`]{1,300}`|(?<!\w)'[^']{1,300}'(?!\w)"
)


def is_override(question: str) -> bool:
    """Whether a question orders the bot to drop, show or change its instructions."""
    said = _QUOTED.sub(" … ", " ".join(question[:_LONGEST].split()))
    return any(attempt.search(said) for attempt in _ATTEMPTS)
