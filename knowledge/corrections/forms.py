"""What people fill in to correct a chunk, or to add one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from knowledge.corrections.finding import FoundChunk
from knowledge.models import LONGEST_CORRECTION, Correction
from minirag.lib.bounds import longest
from tenants.admin_site.meanwhile import GuardedForm


class MarksForm(forms.Form):
    """What is said of any chunk beside its text."""

    is_pinned = forms.BooleanField(
        label=_("Pinned"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("It wins over passages that contradict it, and comes before those that fit about as well."),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"),
        max_length=longest(Correction, "note"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Why, for your colleagues."),
    )  # fmt: skip


class ChunkForm(GuardedForm, MarksForm):
    """The text, whether it answers, and why."""

    field_order = ("content", "is_off", "is_pinned", "note")

    content = forms.CharField(
        label=_("Text"), max_length=LONGEST_CORRECTION, widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        help_text=_("What the bots read and cite. The source's own text stays beside it, and can be brought back."),
    )  # fmt: skip
    is_off = forms.BooleanField(
        label=_("Switched off"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("Nobody is answered from it, from the next question on."),
    )  # fmt: skip

    @classmethod
    def of(cls, found: FoundChunk, data: Any) -> ChunkForm:
        said = found.correction
        return cls(
            data,
            guards=said.pk if said else found.id,
            initial={
                "content": found.content, "is_off": bool(said and said.is_off),
                "is_pinned": bool(said and said.is_pinned), "note": said.note if said else "",
            },
        )  # fmt: skip

    def changes(self) -> dict[str, Any]:
        """What was changed."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class AddedChunkForm(MarksForm):
    """A chunk of one's own. Its document is chosen by the page."""

    field_order = ("document", "heading", "content", "is_pinned", "note")

    heading = forms.CharField(label=_("Heading"),
        max_length=longest(Correction, "anchor_heading"), required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What it is about; it is searched and shown with the text. Empty: the document's title."),
    )  # fmt: skip
    content = forms.CharField(
        label=_("Text"), max_length=LONGEST_CORRECTION, widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_("One thing in a few sentences is found best."),
    )  # fmt: skip
