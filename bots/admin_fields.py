"""Form fields that several admin pages share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from minirag.lib.bounds import ListOf
from minirag.lib.security.groups import LONGEST_GROUP, MOST_GROUPS, check_groups, fold_groups
from tenants.admin_site.meanwhile import GuardedModelForm


class LinesField(forms.CharField):
    """A list of texts, edited as one per line."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return [
            line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()
        ]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class TagsField(forms.CharField):
    """A list of short texts, edited on one line."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        said = (part.strip() for part in (super().to_python(value) or "").split(","))
        return list(dict.fromkeys(part for part in said if part))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class GroupsField(TagsField):
    """Names of groups, edited on one line; lines divide them as well."""

    widget = UnfoldAdminTextInputWidget
    default_validators = [ListOf(MOST_GROUPS, LONGEST_GROUP), check_groups]

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return fold_groups(super().to_python(str(value or "").replace("\n", ",")))


class ReadersForm(GuardedModelForm):
    """Whom a row is for: what is not sent stays as it is."""

    groups = GroupsField(
        label=_("Only for groups"),
        required=False,
        help_text=_(
            "Divided by commas, such as staff, partners. Only visitors in one of them are answered from it. In "
            "which a visitor is, your site says in the widget's signed identity, or the API token."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "visibility" in self.fields:
            self.fields["visibility"].required = False

    def clean_visibility(self) -> str:
        said: str = self.cleaned_data["visibility"]
        return said or self.instance.visibility

    def clean_groups(self) -> list[str]:
        is_sent = self.add_prefix("groups") in self.data
        said: list[str] = self.cleaned_data["groups"] if is_sent else self.instance.groups
        return said
