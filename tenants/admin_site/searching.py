"""Form fields whose rows are found by typing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.text import capfirst


class _Search(AutocompleteSelect):
    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """Django looks up what was sent, and fails of what is no key at all: nothing is chosen then."""
        try:
            return super().optgroups(name, value, attr)
        except ValidationError:
            return super().optgroups(name, [""], attr)


def search_field(model: type[Model], name: str, site: AdminSite, rows: Any, **options: Any) -> Any:
    """A form field for one of `rows`, found by typing: it never lists them all.

    `name` is the foreign key of `model` that the admin's autocompletion follows to what is looked for.
    """
    column: Any = model._meta.get_field(name)
    widget = _Search(column, site)
    options.setdefault("label", capfirst(str(column.verbose_name)))
    return forms.ModelChoiceField(rows, widget=widget, **options)
