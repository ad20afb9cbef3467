"""The admin page of canned answers."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import register
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from conversations.models import CannedAnswer
from tenants.admin_site.model_admin import ProductAdmin
from tenants.admin_site.sites import tenant_site


@register(CannedAnswer, site=tenant_site)
class CannedAnswerAdmin(ProductAdmin):
    nothing_yet: Any = _(
        "Write a text that you answer with again and again; in the inbox you type / and its name."
    )
    list_display = ("name", "shown_text", "language", "bot_profile", "updated_at")
    list_filter = (("bot_profile", AutocompleteSelectFilter),)
    list_select_related = ("bot_profile",)
    search_fields = ("name", "text")
    autocomplete_fields = ("bot_profile",)
    fields = ("name", "text", ("language", "bot_profile"))

    @display(description=_("text"))
    def shown_text(self, canned: CannedAnswer) -> str:
        return canned.text[:90]
