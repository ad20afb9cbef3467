"""The admin's page of a preview: what a source would give, from its form as it is filled in and not saved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from knowledge.models import Source
from knowledge.models.states import SYNCED
from knowledge.previewing.found import Preview
from knowledge.previewing.looking import preview_source
from knowledge.sources.homes import Home, find_home
from minirag.lib.errors import ProductError
from minirag.lib.telling.kept_sentences import retell
from tenants.admin_site.model_admin import ProductAdmin


def choose_home(data: dict[str, Any]) -> Home:
    """Where a new source goes, by its checked form."""
    bot, dataset = data["bot_profile"], data["shared_dataset"]
    return find_home(bot.pk if bot and not dataset else None, dataset.pk if dataset else None)


def preview_form(admin: ProductAdmin, request: HttpRequest, source: Source | None) -> HttpResponse:
    """Preview the posted form of a new source, or of one that is there."""
    form_class = admin.get_form(request, source, change=source is not None)
    form = form_class(request.POST, request.FILES, instance=source)
    found, errors = _look(form, source)
    said = (form.cleaned_data.get(name) for name in ("url", "bucket", "folder"))
    address = next((str(each) for each in said if each), gettext("the source"))
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": gettext("Preview of %(address)s") % {"address": address[:190]},
        "found": found,
        "errors": errors,
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin/source_preview.html", context)


def _look(form: Any, source: Source | None) -> tuple[Preview | None, list[str]]:
    if not form.is_valid():
        errors = [
            f"{form.fields[name].label or name}: {said}" if name in form.fields else said
            for name, all_said in form.errors.items()
            for said in all_said
        ]
        return None, errors
    if form.chosen_type not in SYNCED:
        return None, [gettext("Only a web site or a connector can be previewed.")]
    data = form.cleaned_data
    try:
        home = Home(source.dataset, source.bot_profile) if source else choose_home(data)
        return preview_source(form.chosen_type, data["config"], home, stored=source), []
    except ProductError as error:
        return None, [retell(error.detail)]
