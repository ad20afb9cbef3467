"""Orders to a bot that do not come from its owner, told by how they are built. Pure.

No word or phrase is suspicious by itself: "How do I rotate my API key?", "Explain jailbreak detection" and "Why does
the printer ignore my instructions?" are questions. What is refused is an order to the bot: to drop the instructions
it has, to show them, or to be another one without rules. Text in quotation marks was said by somebody else and does
not count. Sixteen languages, some whole sentences, what orders are made of (see override_features) and such as name no
instruction outright (see override_asks), and the plainest disguises (see disguises): people who try will find words that pass, and a bot is not safe because of this
file. The model is told what is data, has no secret in its prompt, and may cite only what it got.

In documents it is an order that is addressed to a machine: `orders_a_machine`. What such a sentence says is nothing
that a page tells its readers, so it is not quoted as an answer.

Measured on the sentences of minirag/lib/tests/test_injections.py, for which the first patterns were made, and on the
security set (docs/evaluation.md).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from minirag.lib.security import override_asks, override_features, override_words
from minirag.lib.security.disguises import unmask
from minirag.lib.security.needles import Sieve
from minirag.lib.text.labels import defuse_labels

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

_GIVEN = r"(?:\s+(?:that\s+)?you\s+(?:were|have been|are|had|have)?\s*(?:given|got|received|told|following|follow|set)\b)"
_KEY = r"(?:(?:api|secret|access|provider|openai)[- ]?(?:key|token)s?|credentials)"
_FREE = r"(?:rules|restrictions|guidelines|guardrails|filters|limits|limitations|censorship)"

_PATTERNS: Final = (
    # Drop what you were told; show it; be without it.
    rf"{_START}{_DROP}\s+(?:about\s+)?(?:{_THEIRS}|{_YOUR_RULES}|{_TOLD})\b",
    rf"{_START}{_SHOW_ME}your\s+(?:(?:full|exact|entire|own)\s+)*(?:{_HIDDEN}|instructions|prompt|guardrails)\b{_ABOUT}",
    rf"{_START}{_SHOW_ME}the\s+(?:full\s+|exact\s+)?(?:system prompt|hidden instructions|(?:words|text) above)\b",
    r"\byou are (?:now\s+)?(?:in\s+)?(?:an?\s+)?(?:dan\b|developer mode|(?:unrestricted|unfiltered|jailbroken)\b)",
    r"\b(?:pretend|act (?:as|like)|behave (?:as|like)|answer|respond|reply)\b[^.!?:]{0,60}"
    r"\b(?:no|without(?: any)?|free of)\s+(?:your\s+)?(?:rules|restrictions|guidelines|guardrails|filters)\b",
    rf"\b(?:role-?play|pretend|imagine|play (?:an?|the) (?:role|part|AI|assistant|bot|chatbot|character)|you are|you're)\b[^.!?]{{0,80}}\b(?:no|without(?: any)?|free of)\s+{_FREE}\b",
    rf"\byou are (?:now\s+)?\w+(?: now)?[.,;:]\s+\S{{1,30}} (?:has|knows|follows) no {_FREE}\b",
    rf"\byour\s+(?:{_OLD}\s+)?{_RULES}\s+(?:no longer|do(?: not|n't))\s+(?:apply|count|exist|hold)\b",
    rf"{_START}{_SHOW_ME}(?:the|your)\s+(?:(?:full|exact|entire|own|original)\s+)*{_RULES}{_GIVEN}",
    rf"{_START}{_SHOW_ME}[^.!?]{{0,40}}\byour\s+{_HIDDEN}\b{_ABOUT}",
    rf"{_START}{_SHOW_ME}your\s+{_KEY}\s*(?:[.?!,;]|$|\band\b)",
    rf"{_START}{_SHOW_ME}(?:everything|all|whatever|the (?:text|words))\s+(?:that\s+)?(?:\w+\s+){{0,2}}(?:above|before this)\b",
)  # fmt: skip


def load_patterns() -> None:
    """Read them, before the first who asks would wait for it."""
    _overrides()
    _orders_to_machines()


@cache
def _overrides() -> Sieve:
    return Sieve.of((
        *_PATTERNS,
        *(
            pattern
            for made in (override_words, override_features, override_asks)
            for language in (made.LATIN, made.CYRILLIC, made.ARABIC, made.EAST_ASIAN, made.DEVANAGARI)
            for pattern in language
        ),
    ))  # fmt: skip


_QUOTED = re.compile(
    r"\"[^\"]{1,300}\"|“[^”]{1,300}”|„[^“”]{1,300}[“”]|«[^»]{1,300}»|`[^`]{1,300}`|(?<!\w)'[^']{1,300}'(?!\w)"
)


def is_override(question: str) -> bool:
    """Whether a question orders the bot to drop, show or change its instructions, in plain words or disguised ones."""
    return any(map(_is_plain_override, unmask(_cut(question))))


def _cut(text: str) -> str:
    """Beginning and end of a long text: what is to be obeyed stands in one of them, most of all."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}. {text[-_LONGEST // 2 :]}"


def _is_plain_override(text: str) -> bool:
    said = _QUOTED.sub(" … ", " ".join(text.split()))
    return _overrides().finds(said)


# Names of a machine that answers, as documents call it. Short ones in capitals only: "ai" and "ia" are words elsewhere.
_MACHINE = (
    r"(?:\b(?:(?-i:AIs?|A\.I\.|LLMs?|KI|IA|SI)\b(?:-(?:assistent|asistent|modell?|system|bot)\w*)?"
    r"|chat-?bots?|(?:large )?language models?|virtual assistants?|(?:AI|chat|digital) (?:assistants?|agents?|models?)"
    r"|sprachmodell\w*|assistants? (?:IA|virtuels?)|modèles? de langage|modelos? de lengu\w+|modelos? de linguagem"
    r"|(?:asistentes?|assistent[ei]s?) (?:de )?(?:IA|virtual(?:es|e|i)?)|modelli? linguistic\w+|taalmodel\w*"
    r"|(?:asystent\w*|model\w*) (?:AI|SI|językow\w+)|yapay zek[âa]\w*|dil model\w*)\b"
    r"|(?-i:ИИ|ШІ)(?:-\w+)?\b|языков\w+ модел\w+|нейросет\w+|чат-?бот\w*"
    r"|مساعد\w*\s+الذكاء|نموذج\s+(?:ال)?لغ\w+|روبوت\s+(?:ال)?دردشة"
    r"|AI\s*助手|AI\s*模型|人工智能\S{0,4}|语言模型|聊天机器人|AI\s*アシスタント|言語モデル|チャットボット"
    r"|AI\s*어시스턴트|언어\s*모델|챗봇|एआई\s+सहायक)"
)
_ATTENTION = (
    r"(?:note|notice|attention|important|message|dear|ch[eè]re?s?|querid[oa]s?|car[oiae]|drodzy|sevgili|hey|hello|instructions?|hinweis|achtung|liebe[rs]?|nachricht|note|avis|message|nota"
    r"|aviso|mensaje|avviso|attenzione|uwaga|wiadomość|not|dikkat|внимание|увага|важно|إلى|تنبيه|ملاحظة|请|注意)"
)
_TO = r"(?:to|for|an|für|aux?|pour(?: les)?|para(?: los| as| os)?|per(?: gli)?|voor|dla|do|для|the|all|any|every|alle|les|los|gli|wszystkich)"
_MUST = r"(?:must|shall|should|has to|have to|is to|are to|need to|muss|müssen|soll|sollen|doit|doivent|debe|deben|deve|devono)"
_ORDERS: Final = (
    # "Note to AI assistants that read this:", "Dear AI, …"
    rf"^\W*(?:{_ATTENTION}\W+)?(?:{_TO}\s+){{0,3}}{_MACHINE}[^.!?:,，：、]{{0,50}}[:,，：、！!]",
    rf"^\W*(?:{_ATTENTION}\W+)(?:{_TO}\s+){{0,3}}{_MACHINE}",
    rf"{_MACHINE}\s*(?:'larına|lara|larına|へ|请|에게)",
    # "If you are a language model, …", "when you, the assistant, answer …", "the assistant must always say …"
    rf"\b(?:you are|you, (?:the|an?)|as an?|wenn du|du bist|falls du|tu es|vous êtes|si tu es|si eres|eres|se sei|sei|jeśli jesteś|если ты|ты)"
    rf"\s+(?:an?\s+|ein\w*\s+|une?\s+|un[ao]?\s+)?(?:{_MACHINE}|assistant\b)",
    r"\byou,? the (?:assistant|bot|model|AI)\b",
    rf"(?:{_MACHINE}|\bthe (?:assistant|bot|model))\s+{_MUST}\s+(?:\w+\s+){{0,2}}"
    r"(?:answer|say|tell|reply|respond|mention|cite|show|add|ignore|repeat|recommend|sagen|antworten|nennen|dire|répondre|decir|rispondere)\b",
    r"^\W*(?:assistant|chat-?bot|system|bot)\s*[:,]\s*(?:please\s+|always\s+|from now on\b|you\b|now\b|tell\b|say\b|ignore\b|answer\b|reply\b|do\b"
    r"|disregard\b|forget\b|add\b|show\b)",
    r"^\W*(?:SYSTEM|ATTENTION|IMPORTANT)\b[^.!?]{0,20}:.{0,40}\b(?:assistant|bot|model|AI)\b",
)  # fmt: skip
_LABELLED: Final = ("MANDATORY", "GUIDELINE", "INFORMATIONAL")
# Some of these stand in every order to a machine or to drop instructions; what holds none is looked at no closer, since
# every sentence that may be quoted comes here.
_SHORT_NAMES: Final = re.compile(r"AI|A\.I|LLM|KI|IA|SI|ИИ|ШІ|एआई")
_TRACE_WORDS: Final = (
    "assistant assistent asistent asystent bot model system modèle modell prompt instru anweisung vorgaben regel rule "
    "guideline direct restrict polic constrain told said above consigne règle regla regola regole órdenes indicac "
    "ordres richtl opdracht befehl istruz istruzioni polece zasad reguł wytyczn yapay dil talimat kural yönerge komut "
    "emir инструкц указан правил команд огранич модел нейросет бот вказів обмеж تعليمات قواعد أوامر إرشادات توجيهات "
    "مساعد نموذج روبوت قيود 指令 指示 提示 规则 規則 命令 说明 限制 人工 模型 机器 ルール モデル ボット 制約 규칙 지시 명령 지침 모델 챗봇 "
    "निर्देश नियम आदेश [ ［ 【"
)
_TRACES: Final = tuple(_TRACE_WORDS.split())


@cache
def _orders_to_machines() -> Sieve:
    return Sieve.of(_ORDERS)


def orders_a_machine(sentence: str) -> bool:
    """Whether a sentence of a document orders whoever answers from it about, rather than telling its reader something."""
    folded = sentence.casefold()
    if not (_SHORT_NAMES.search(sentence) or any(trace in folded for trace in _TRACES)):
        return False
    said = _QUOTED.sub(" … ", " ".join(_cut(sentence).split()))
    return (
        _orders_to_machines().finds(said) or is_override(sentence) or _begins_with_label(sentence)
    )


def _begins_with_label(sentence: str) -> bool:
    """Whether a sentence gives itself a weight that only we give; one that speaks of a label is only a sentence."""
    first = sentence.lstrip(" *_>-")[:24]
    return defuse_labels(first, _LABELLED)[:1] != first[:1]
