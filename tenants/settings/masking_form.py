"""The part of a form that says what is kept from models: a field each instead of JSON."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from minirag.lib.masking.choosing import MOST_PATTERNS, check_masking
from minirag.lib.masking.kinds import Kind

KINDS: Final = {
    Kind.EMAIL: _("E-mail addresses"), Kind.PHONE: _("Telephone numbers"), Kind.IBAN: _("IBANs"),
    Kind.CARD: _("Credit card numbers"), Kind.IP: _("IP addresses"),
}  # fmt: skip
MASKING_NAMES: Final = ("masked_kinds", "masked_patterns", "masks_passages")


class MaskingFields(forms.Form):
    """What is taken out of visitors' words before they go to a model that is not ours, and put back in its answer."""

    masked_kinds = forms.MultipleChoiceField(
        label=_("Kept from models"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        choices=[(kind.value, label) for kind, label in KINDS.items()],
        help_text=_(
            "Models read a placeholder such as [EMAIL_1]; where they repeat it, the visitor reads what they wrote. "
            "Chats are kept as they were written."
        ),
    )  # fmt: skip
    masked_patterns = forms.CharField(
        label=_("Own patterns"), required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("Regular expressions of RE2, one per line, such as K-\\d{6} for numbers of customers."),
    )  # fmt: skip
    masks_passages = forms.BooleanField(
        label=_("In passages as well"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("Out of what was found in the sources, too: a model then reads no address and no number of yours."),
    )  # fmt: skip

    def show_masking(self, stored: dict[str, Any]) -> None:
        """Fill in what is stored."""
        shown = {
            "masked_kinds": stored.get("kinds", []),
            "masked_patterns": "\n".join(stored.get("patterns", [])),
            "masks_passages": stored.get("passages", False),
        }
        for name, value in shown.items():
            if name in self.fields:
                self.fields[name].initial = value

    def read_masking(self) -> dict[str, Any]:
        """What the fields say, as the column holds it; says what is wrong with it."""
        cleaned = self.cleaned_data
        lines = (line.strip() for line in cleaned.get("masked_patterns", "").splitlines())
        said = {
            "kinds": cleaned.get("masked_kinds", []), "patterns": list(dict.fromkeys(filter(None, lines))),
            "passages": cleaned.get("masks_passages", False),
        }  # fmt: skip
        found = {name: value for name, value in said.items() if value}
        if len(said["patterns"]) > MOST_PATTERNS:
            told = _("At most %(most_patterns)s patterns.") % {"most_patterns": MOST_PATTERNS}
            self.add_error("masked_patterns", told)
            return found
        try:
            check_masking(found)
        except ValidationError as error:
            self.add_error("masked_patterns", error.messages[0])
        return found
