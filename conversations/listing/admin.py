"""What the admin's list of chats is filtered by: the same conditions as over the API, each named as there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin import ListFilter
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
)

from conversations.annotating.changing import list_tags
from conversations.listing.choosing import ChatFilter, choose_chats
from conversations.listing.finding import NEWEST
from conversations.models import Chat
from conversations.models.messages import REFUSALS
from minirag.lib.errors import ProductError
from minirag.lib.telling.shown import show_number
from minirag.lib.text.language_table import LANGUAGES

MOST_COUNTED: Final = 100_000
MOST_FOUND: Final = 2_000
_MOST_TAGS: Final = 200
_ALL: Final = ("", _("All"))
BOT_PARAMETER: Final = "bot_profile__id__exact"


_AMOUNT: Final = {"min": 0, "step": "any"}


def _choose(label: Any, *choices: tuple[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, required=False, choices=[_ALL, *choices], widget=UnfoldAdminSelectWidget
    )


class ConditionsForm(forms.Form):
    """Each field is one of `ChatFilter`, which is what really checks it."""

    from_date = forms.CharField(label=_("Begun from"), required=False, widget=UnfoldAdminSingleDateWidget)  # fmt: skip
    to_date = forms.CharField(label=_("Begun until"), required=False, widget=UnfoldAdminSingleDateWidget)  # fmt: skip
    outcome = _choose(
        _("A turn was"), ("refused", _("Declined")), ("failed", _("Failed")), ("stopped", _("Stopped by the reader")),
    )  # fmt: skip
    refusal_reason = _choose(_("Declined because"), *REFUSALS.items())  # fmt: skip
    feedback = _choose(_("Feedback"), ("positive", _("Thumbs up")), ("negative", _("Thumbs down")))
    uncited = _choose(
        _("Citations"), ("true", _("An answer without a valid one")), ("false", _("All answers cite"))
    )  # fmt: skip
    answered_by = _choose(_("Answered by"), ("bot", _("The bot alone")), ("person", _("A person")))
    language = _choose(_("Language"), *((each.code, each.name) for each in LANGUAGES.values()))
    min_cost = forms.CharField(
        label=_("Cost from ($)"), required=False, widget=UnfoldAdminDecimalFieldWidget(_AMOUNT)
    )
    max_cost = forms.CharField(
        label=_("Cost up to ($)"), required=False, widget=UnfoldAdminDecimalFieldWidget(_AMOUNT)
    )

    tag = forms.CharField(label=_("Tag"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(use.name, f"{use.name} ({use.chats})") for use in list_tags(most=_MOST_TAGS)]
        asked = self.data.get("tag")
        if asked and asked not in dict(names):
            names.insert(0, (asked, asked))
        self.fields["tag"] = _choose(_("Tag"), *names)


class ChatConditions(ListFilter):
    """All conditions but the bot, which is looked for by typing, and the words, for which there is the search."""

    title: Any = _("conditions")
    template = "unfold/filters/filters_field.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:  # fmt: skip
        super().__init__(request, params, model, model_admin)
        for name in ConditionsForm.base_fields:
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(ConditionsForm.base_fields)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"form": ConditionsForm(self.used_parameters)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What cannot be understood finds nothing, and is told: a list of more than was asked for would be exported."""
        try:
            return choose_chats(queryset, read_conditions(self.used_parameters))
        except (ValueError, ProductError) as error:
            messages.warning(request, tell_misunderstood(error))
            return queryset.none()


def read_conditions(given: Any) -> ChatFilter:
    """The conditions of an address, by their names. Raises ValueError."""
    return ChatFilter.model_validate({name: value for name, value in given.items() if value})


def read_address(given: Any) -> ChatFilter:
    """All conditions of the list's address, the bot and the words as well. Raises ValueError."""
    known = {name: given.get(name) for name in ConditionsForm.base_fields}
    return read_conditions(
        known | {"bot_profile_id": given.get(BOT_PARAMETER), "q": given.get("q")}
    )


def tell_misunderstood(error: Exception) -> str:
    """Which conditions were not understood."""
    if isinstance(error, ProductError):
        return error.detail
    wrong = {str(each["loc"][0]) for each in getattr(error, "errors", list)()}
    fields = ConditionsForm.base_fields
    labels = [str(fields[name].label) if name in fields else name for name in sorted(wrong)]
    return str(_("Not understood: %s") % ", ".join(labels))


class BoundedPaginator(Paginator):
    """Counts no further than it takes as long as the page itself, and reads of other rows only their ids.

    Words are looked for once: the ids that were found are counted, and the page's are of them.
    """

    has_words = False

    @property
    def most(self) -> int:
        return MOST_FOUND if self.has_words else MOST_COUNTED

    @cached_property
    def found(self) -> list[Any]:
        return self._list_ids(0, self.most + 1)

    @cached_property
    def counted(self) -> int:
        rows: Any = self.object_list
        return len(self.found) if self.has_words else rows.order_by()[: self.most + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.counted, self.most)

    @property
    def is_cut(self) -> bool:
        return self.counted > self.most

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        bottom = (number - 1) * self.per_page
        top = min(bottom + self.per_page, self.count)
        ids = self.found[bottom:top] if self.has_words else self._list_ids(bottom, top)
        rows: Any = self.object_list
        found = rows.model.objects.select_related("bot_profile").in_bulk(ids)
        return Page([found[each] for each in ids if each in found], number, self)

    def _list_ids(self, bottom: int, top: int) -> list[Any]:
        rows: Any = self.object_list
        return list(rows.values_list("pk", flat=True)[bottom:top])


def tell_common(request: HttpRequest, words: list[str]) -> None:
    """Say that a word was not looked for everywhere."""
    said = _(
        "In very many chats: %(words)s. Looked for in the newest %(count)s chats that fit the rest."
    )
    messages.info(request, str(said) % {"words": ", ".join(words), "count": show_number(NEWEST)})


def name_people(chats: list[Chat], emails: dict[Any, str]) -> None:
    """Say on each chat of a page who asked, in `user_email`."""
    for chat in chats:
        chat.user_email = emails.get(chat.user_id)  # type: ignore[attr-defined]
