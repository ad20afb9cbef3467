"""What the parts of a source's form share: fields that are kept in its config, shown from there and checked as that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.utils.translation import gettext

from knowledge.models import Source
from knowledge.models.states import COMPANION_OF, SECRET_OF
from knowledge.sources.configs import prepare_config
from minirag.lib.errors import BadInput
from minirag.lib.telling.kept_sentences import retell

_NAMED: Final = re.compile(r"config\.(\w+)")


class ConfiguredFields(forms.Form):
    def show_config(self, source_type: str, config: dict[str, Any], names: Iterable[str]) -> None:
        """Fill in what is stored, but for the secret."""
        for name in names:
            secrets = (SECRET_OF.get(source_type), COMPANION_OF.get(source_type))
            if name in self.fields and name not in secrets:
                self.fields[name].initial = config.get(name)

    def clean_config(self, source: Source, source_type: str, names: Iterable[str]) -> None:
        """Put the checked values as a config into `cleaned_data["config"]`, or say what is wrong with them.

        Empty fields are left out; an empty secret keeps the stored one.
        """
        shown = {name: self.cleaned_data.get(name) for name in names}
        others = {name: value for name, value in source.config.items() if name not in shown}
        said = {name: value for name, value in shown.items() if value not in (None, [], "")}
        config = others | said
        try:
            prepare_config(source_type, config, source_id=source.pk)
        except BadInput as error:
            found = _NAMED.search(error.detail)
            field = found[1] if found and found[1] in shown else None
            self.add_error(field, retell(error.detail).replace(f"config.{field}", gettext("This")))
        self.cleaned_data["config"] = config
