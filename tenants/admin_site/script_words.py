"""What the scripts of the admin say, for readers whose language is not English (`mrSay` in admin.js)."""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

_WORDS: Final = (
    _("Sound on"), _("Sound off"), _("Visitor"), _("Bot"), _("Person"), _("Make curated answer"), _("Passage"),
    _("The visitor is typing …"), _("Somebody"), _("is typing …"), _("Connecting again …"),
    _("You are not logged in any more, or may not see this. Load the page again."),
    _("No connection. What you wrote is still here: try again."), _("That did not work. Load the page again."),
    _("The server cannot be reached."), _("The connection broke. Try again."), _("Stopped."),
    _("Trace, prompt and cost"), _("It is not kept any longer."), _("Save as golden question"), _("Saved."),
    _("Say what is right"), _("It was not saved."), _("The form has mistakes, so nothing was asked:"),
    _("With changes that are not saved:"), _("As it is saved."), _("Stop"), _("Ask"), _("As in the form"),
    _("As it is saved"), _("Models"), _("Copy"), _("Copied"), _("Menu"), _("Your account"),
    _("passage cited"), _("passages cited"), _("token"), _("tokens"), _("free"),
    _("answered"), _("refused"), _("failed"), _("stopped"), _("person"),
)  # fmt: skip


def say_in_scripts() -> dict[str, str]:
    """Each word with its translation; none for English."""
    return {} if (get_language() or "en") == "en" else {each: gettext(each) for each in _WORDS}
