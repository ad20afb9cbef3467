"""The admin page of curated answers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import SimpleListFilter, register
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bots.admin_fields import LinesField, ReadersForm
from knowledge.curated.changing import (
    clean_questions,
    create_answer,
    delete_answer,
    find_taken,
    listed_answers,
    require_room,
    update_answer,
)
from knowledge.curated.same_question import key_of
from knowledge.models import CuratedAnswer, CuratedQuestion, CuratedState
from knowledge.models.curated import MOST_VARIANTS
from minirag.lib.bounds import longest
from minirag.lib.errors import Conflict
from tenants.admin_site.model_admin import ProductAdmin
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import require_tenant
from tenants.models import User

_STATE_COLOURS = {
    CuratedState.LIVE: "success", CuratedState.INACTIVE: "info", CuratedState.EXPIRED: "warning",
    CuratedState.WITHOUT_OWNER: "danger", CuratedState.WITHOUT_BOT: "warning",
}  # fmt: skip
_LONGEST = longest(CuratedQuestion, "text")


class CuratedAnswerForm(ReadersForm):
    question = forms.CharField(
        label=_("Question"),
        max_length=_LONGEST,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As visitors would ask it."),
    )
    variants = LinesField(
        label=_("Variants"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_(
            "Other ways to ask it, one per line. Case, punctuation and politeness make no difference; words may."
        ),
    )
    owner = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Owner"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Who answers for it."),
    )
    links = LinesField(label=_("Links"),
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Pages where more is said, one per line; the first is what its citation leads to."),
    )  # fmt: skip

    class Meta:
        model = CuratedAnswer
        fields = (
            "bots", "title", "answer", "links", "language", "visibility", "groups", "is_active", "expires_at",
        )  # fmt: skip
        labels = {"visibility": _("Given to")}
        widgets = {"answer": UnfoldAdminTextareaWidget(attrs={"rows": 10})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "bots" not in self.fields:  # to be looked at only
            return
        people: Any = self.fields["owner"]
        people.queryset = User.objects.filter(tenant=require_tenant(), is_active=True)
        self.fields["bots"].required = True
        if not self.instance._state.adding:
            self.initial.setdefault("question", self.instance.question)
            self.initial.setdefault("variants", self.instance.variants)
            self.initial.setdefault("owner", self.instance.owner_id)

    def clean_variants(self) -> list[str]:
        variants: list[str] = self.cleaned_data["variants"]
        if len(variants) > MOST_VARIANTS or any(len(each) > _LONGEST for each in variants):
            raise forms.ValidationError(
                gettext("At most %(most_variants)s of at most %(_longest)s characters.")
                % {"most_variants": MOST_VARIANTS, "_longest": _LONGEST}
            )
        return variants

    def clean_expires_at(self) -> Any:
        moment = self.cleaned_data["expires_at"]
        if moment is not None and "expires_at" in self.changed_data and moment <= timezone.now():
            raise forms.ValidationError(gettext("This is in the past."))
        return moment

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        keys = [key_of(text) for text in self.list_questions()]
        bots = [bot.pk for bot in cleaned.get("bots") or ()]
        if self.instance._state.adding:
            try:
                require_room()
            except Conflict as error:
                self.add_error(None, error.detail)
        taken = find_taken(bots, keys, but_of=self.instance.pk)
        if taken is not None:
            self.add_error(
                "question",
                gettext("“%(answer)s” has the question “%(text)s” for the same bot already.")
                % {"answer": taken.answer, "text": taken.text},
            )
        return cleaned

    def list_questions(self) -> list[str]:
        asked = [self.cleaned_data.get("question", ""), *self.cleaned_data.get("variants", ())]
        return clean_questions(asked)

    def columns(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        names = (
            "title", "answer", "links", "language", "visibility", "groups", "is_active", "expires_at",
        )  # fmt: skip
        return {name: cleaned[name] for name in names} | {"owner_id": cleaned["owner"].pk}


class StateFilter(SimpleListFilter):
    title, parameter_name = _("state"), "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("It answers")), ("no", gettext("It does not answer"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        live = CuratedAnswer.objects.live().filter(bots__isnull=False).values("pk")
        if self.value() == "yes":
            return queryset.filter(pk__in=live)
        return queryset.exclude(pk__in=live) if self.value() == "no" else queryset


@register(CuratedAnswer, site=tenant_site)
class CuratedAnswerAdmin(ProductAdmin):
    form = CuratedAnswerForm
    facts_once_saved = True
    list_display = (
        "shown_question",
        "shown_state",
        "shown_bots",
        "shown_owner",
        "expires_at",
        "updated_at",
    )
    list_filter = (StateFilter, ("bots", AutocompleteSelectFilter))
    search_fields = ("title", "answer", "questions__text")
    nothing_yet = _(
        "Write down what your bots shall say to a question, word for word; or answer one of the gaps."
    )
    autocomplete_fields = ("bots",)
    readonly_fields = ("state_now", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("bots", "question", "variants", "answer")}),
        (_("Cited as"), {"fields": ("title", "links")}),
        (_("Whom it is for"), {"fields": (("visibility", "groups"),)}),
        (_("Validity"), {"fields": (("owner", "language"), "is_active", "expires_at")}),
        (_("Facts"), {"fields": ("state_now", ("created_at", "updated_at"))}),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given = super().get_changeform_initial_data(request)
        return {"owner": acting_user(request).pk, **given}

    def get_queryset(self, request: HttpRequest) -> QuerySet[CuratedAnswer]:
        return listed_answers().order_by("-created_at", "-id")

    def save_model(
        self, request: HttpRequest, obj: CuratedAnswer, form: CuratedAnswerForm, change: bool
    ) -> None:
        questions = form.list_questions()
        bots = [bot.pk for bot in form.cleaned_data["bots"]]
        if not change:
            obj.pk = create_answer(form.columns(), questions=questions, bot_profile_ids=bots).pk
            return
        before = self.get_queryset(request).get(pk=obj.pk)
        fields = {
            name: value for name, value in form.columns().items() if getattr(before, name) != value
        }
        update_answer(before, fields, questions=questions, bot_profile_ids=bots)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Its questions and bots were saved with it."""

    def delete_model(self, request: HttpRequest, obj: CuratedAnswer) -> None:
        delete_answer(obj)

    @display(description=_("question"))
    def shown_question(self, answer: CuratedAnswer) -> str:
        more = len(answer.variants)
        return (answer.question or "–")[:90] + (f" (+{more})" if more else "")

    @display(description=_("state"), label=_STATE_COLOURS)
    def shown_state(self, answer: CuratedAnswer) -> tuple[str, str]:
        return answer.state, str(answer.state.label)

    @display(description=_("state"))
    def state_now(self, answer: CuratedAnswer) -> str:
        return str(answer.state.label)

    @display(description=_("bots"))
    def shown_bots(self, answer: CuratedAnswer) -> str:
        return ", ".join(str(bot) for bot in answer.bots.all()) or "–"

    @display(description=_("owner"))
    def owner(self, answer: Any) -> str:
        """For those who may only look: the form has a field of this name."""
        return self.shown_owner(answer)

    @display(description=_("owner"))
    def shown_owner(self, answer: Any) -> str:
        return answer.owner_email or gettext("a former user")
