"""Forms of golden questions in the admin: lists one per line, what was said before as it is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from bots.admin_fields import LinesField
from bots.models import BotProfile
from conversations.golden.changing import check_golden, require_room
from conversations.golden.importing import LARGEST_FILE
from conversations.models import GoldenQuestion, MessageRole, name_question
from knowledge.models import Source
from minirag.lib.errors import BadInput, Conflict
from tenants.admin_site.meanwhile import GuardedModelForm

_VISITOR, _BOT = "Visitor:", "Bot:"
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _lines(rows: int, help_text: Any) -> LinesField:
    return LinesField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), help_text=help_text
    )  # fmt: skip


class SaidField(forms.CharField):
    """A conversation, edited as lines that begin with `Visitor:` or `Bot:`; other lines go on with the one before."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        told = [
            {"role": "user", "content": each} if isinstance(each, str) else each for each in value
        ]
        return "\n".join(
            f"{_BOT if each['role'] == MessageRole.ASSISTANT else _VISITOR} {each['content']}"
            for each in told
        )  # fmt: skip

    def to_python(self, value: Any) -> list[dict[str, str]]:  # type: ignore[override]
        said: list[dict[str, str]] = []
        for line in (super().to_python(value) or "").splitlines():
            if line.startswith((_VISITOR, _BOT)):
                name, _, content = line.partition(":")
                role = MessageRole.ASSISTANT if name == "Bot" else MessageRole.USER
                said.append({"role": role.value, "content": content.strip()})
            elif said:
                said[-1]["content"] = f"{said[-1]['content']}\n{line}".strip()
            elif line.strip():
                raise ValidationError(
                    gettext("Begin with %(visitor)s or %(bot)s")
                    % {"visitor": _VISITOR, "bot": _BOT}
                )
        return [each for each in said if each["content"]]

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or [])
        except ValidationError:
            return True


class SourcesField(LinesField):
    """What sources are called, one a line. One kept by its id is shown by its name, and stays kept so."""

    names: Mapping[str, str] = {}

    def show_names(self, kept: Sequence[str]) -> None:
        """Look up the names of what is kept by id; an id stands as it is where it is gone or two are called alike."""
        ids = [each for each in kept if _ID.fullmatch(each)]
        found = Source.objects.filter(pk__in=ids).values_list("pk", "name") if ids else ()
        names = {str(pk): " ".join(name.split()) for pk, name in found}
        often = Counter(names.values())
        self.names = {pk: name for pk, name in names.items() if name and often[name] == 1}

    def prepare_value(self, value: Any) -> Any:
        told = [self.names.get(each, each) for each in value] if isinstance(value, list) else value
        return super().prepare_value(told)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        ids = {name: pk for pk, name in self.names.items()}
        return [ids.get(line, line) for line in super().to_python(value)]


class GoldenQuestionForm(GuardedModelForm):
    before = SaidField(
        label=_("Said before"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=format_lazy(
            _("One message a line, beginning with {visitor} or {bot} Oldest first."),
            visitor=_VISITOR,
            bot=_BOT,
        ),
    )
    expected_sources = SourcesField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Names or ids of sources, one per line. One of them is to be cited."),
    )
    expected_facts = _lines(
        4,
        _("One per line, each has to be in the answer. “12 euros | 12 €”: one of them is enough."),
    )
    forbidden_facts = _lines(3, _("One per line, none may be in the answer."))
    tags = _lines(2, _("One per line."))
    groups = _lines(
        2,
        _(
            "In which groups the asker is, one per line: what is for them is answered from as well. Empty: in none."
        ),
    )

    class Meta:
        model = GoldenQuestion
        fields = "__all__"  # fieldsets choose
        widgets = {"question": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = self.fields.get("expected_sources")  # only shown to who may not write
        if isinstance(sources, SourcesField):
            sources.show_names(self.instance.expected_sources)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        bot = cleaned.get("bot_profile") or getattr(self.instance, "bot_profile", None)
        if self.errors or bot is None:
            return cleaned
        fields = {
            name: value for name, value in cleaned.items() if name not in ("bot_profile", "id")
        }
        trial = GoldenQuestion(bot_profile=bot, **fields)
        try:
            check_golden(trial)
            if self.instance._state.adding:
                require_room(bot)
        except (BadInput, Conflict) as error:
            raise ValidationError(error.detail) from None
        name = name_question(trial.question, trial.before, trial.groups)
        same = GoldenQuestion.objects.filter(bot_profile=bot, name_hash=name)
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("question", gettext("This bot has this golden question already."))
        return {**cleaned, **{field: getattr(trial, field) for field in fields}}


class GoldenFileForm(forms.Form):
    """A file of golden questions for a bot."""

    bot_profile = forms.ModelChoiceField(BotProfile.objects.none(), label=_("bot"))
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=format_lazy(
            _("JSON lines, CSV or YAML, at most {what} MB."), what=LARGEST_FILE // 1000000
        ),
    )
