"""What the product says itself, in every language that it speaks: no model writes these.

The sentences here are the English ones, and the keys of the catalogues in `minirag/locale`. Those are gettext's, in a
domain of their own; `python -m translating.build` makes them from this file and compiles them. They are read once,
when this module is imported: a phrase is one look into a dict.
"""

from __future__ import annotations

import gettext
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from minirag.lib.text.language_table import LANGUAGES

DOMAIN: Final = "phrases"
CATALOGUES: Final = Path(__file__).resolve().parents[2] / "locale"


def _say(english: str, note: str) -> Any:
    """A phrase with what translators have to know of it."""
    return field(default=english, metadata={"note": note})


@dataclass(frozen=True)
class Phrases:
    """All phrases of one language. `{}` takes what the note says."""

    no_answer: str = _say(
        "I could not find an answer to that in my sources.",
        "The answer to a question that the bot's documents do not answer.",
    )
    forbidden_topic: str = _say("I do not speak about that.", "The bot was told not to.")
    off_topic: str = _say("That is not what I am here for.", "The bot is for other topics.")
    unsafe_question: str = _say("I cannot do that.", "Somebody tried to give the bot new orders.")
    filtered: str = _say(
        "I cannot answer that question.", "A model provider's content filter refused the question."
    )
    topics: str = _say("I can help with: {}.", "{}: a list of topics, in the nominative.")
    greeting: str = _say("Hello! How can I help you?", "The answer to a greeting.")
    thanks: str = _say(
        "You are welcome! Is there anything else I can help you with?", "The answer to thanks."
    )
    goodbye: str = _say(
        "Goodbye! I am here whenever you have a question.", "The answer to a goodbye."
    )
    my_name: str = _say("My name is {}.", "{}: the bot's name. Stands before the next one.")
    who_i_am: str = _say(
        "I am a digital assistant and answer questions from the sources I was given.",
        'The answer to "Who are you?".',
    )
    what_i_do: str = _say(
        "Ask me something in your own words: I look for the answer in my sources and tell you where I found it.",
        'The answer to "What can you do?".',
    )
    person: str = _say(
        "You can reach a person here: {}",
        'The answer to "Can I talk to a person?". {}: an address or a telephone number.',
    )
    no_person: str = _say(
        "I am a digital assistant and cannot connect you with a person. "
        "But I am glad to look for an answer in my sources.",
        "The same, where nobody is named.",
    )
    person_called: str = _say(
        "I have called a person, who will answer here. Until then you can go on asking me.",
        'The answer to "Can I talk to a person?" where people are there.',
    )
    person_away: str = _say(
        "Nobody is there at the moment. Please try again later, or leave a message.",
        "The same, outside of business hours.",
    )
    insult: str = _say(
        "I am sorry if I was not of help. Tell me what you are looking for, and I will try again.",
        "The answer to an insult.",
    )
    emoji: str = _say("🙂 What can I do for you?", "The answer to an emoji without words.")
    noise: str = _say(
        "I did not understand that. Please ask your question in a few words.",
        "The answer to letters or marks that are not words.",
    )
    may_mean: str = _say("You may mean:", "Stands before a list of links to passages.")
    which_one: str = _say(
        "Which of these do you mean?", "Asks back; a list of readings of the question follows."
    )
    try_asking: str = _say("You can ask me, for example:", "A list of questions follows.")
    ask_on: str = _say(
        "You can also ask me:", "Stands below an answer. A list of further questions follows."
    )
    contact: str = _say(
        "You can also get help here: {}",
        "Stands behind a refusal. {}: an address or a telephone number.",
    )


def _load(language: str) -> Phrases:
    if language == "en":
        return Phrases()
    catalogue = gettext.translation(DOMAIN, CATALOGUES, [language])
    return Phrases(
        **{each.name: catalogue.pgettext(each.name, str(each.default)) for each in fields(Phrases)}
    )


SPOKEN: Final[dict[str, Phrases]] = {
    row.code: _load(row.code) for row in LANGUAGES.values() if row.is_spoken
}
"""What the product speaks itself, by code."""


def phrases_in(language: str) -> Phrases:
    """Our phrases in a language, or in English where we do not speak it."""
    return SPOKEN.get(language, SPOKEN["en"])


def fold_said(text: str) -> str:
    """A text to find one of our sentences in: its words, without case and marks."""
    return re.sub(r"\W+", " ", text.casefold()).strip()
