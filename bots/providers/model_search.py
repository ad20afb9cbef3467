"""The admin's search for a model while its name is typed: what the catalogue knows, with prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminTextInputWidget

from bots.models import ProviderCredential
from bots.usage.pricing import MILLION, load_overrides
from minirag.ai.catalogue import MODES, OWN, Model, find_models
from minirag.ai.pricing import Prices, family_of
from minirag.ai.providers.platform_keys import has_platform_key
from minirag.lib.telling.shown import show_number

MOST_SHOWN: Final = 30
FIELDS: Final = {
    "model": "chat", "condense_model": "chat", "rerank_model": "", "embedding_model": "embedding",
}  # fmt: skip
"""The fields of a bot's form that name a model, and for what."""


def search_models(request: HttpRequest) -> JsonResponse:
    """Answer what fits: our own models first, then those that there is a key for."""
    mode, words = request.GET.get("mode", ""), request.GET.get("q", "")[:100]
    if mode not in MODES:
        mode = ""
    keys = {
        family_of(name) for name in ProviderCredential.objects.values_list("provider", flat=True)
    }
    found = find_models(mode=mode, words=words)
    usable: dict[str, bool] = {}

    def has_key(each: Model) -> bool:
        if each.provider not in usable:
            held = each.provider in keys or each.provider == OWN
            usable[each.provider] = held or has_platform_key(each.model) is True
        return usable[each.provider]

    found.sort(
        key=lambda each: (each.provider != OWN, not has_key(each), len(each.model), each.model)
    )
    overrides = load_overrides()
    items = [_tell(each, has_key(each), overrides.get(each.model)) for each in found[:MOST_SHOWN]]
    return JsonResponse({"items": items, "total": len(found)})


def offer_models(form: Any) -> None:
    """Have the form's fields that name a model search for it."""
    for name, mode in FIELDS.items():
        field: forms.Field | None = form.fields.get(name)
        if field is not None:
            url = f"{reverse('admin:bots_botprofile_models')}?mode={mode}"
            attrs = {"data-models": url, "autocomplete": "off", "spellcheck": "false"}
            field.widget = UnfoldAdminTextInputWidget(attrs={"maxlength": "100", **attrs})


def _tell(each: Model, has_key: bool, own: Prices | None) -> dict[str, Any]:
    facts = [each.provider]
    if each.context_tokens:
        facts.append(f"{show_number(each.context_tokens)} {gettext('tokens')}")
    if each.dimensions:
        facts.append(f"{show_number(each.dimensions)} {gettext('dimensions')}")
    facts.append(_tell_price(each, own))
    if each.ends_on:
        facts.append(gettext("until %(day)s") % {"day": each.ends_on.isoformat()})
    if not has_key:
        facts.append(gettext("no key"))
    return {"model": each.model, "facts": " · ".join(filter(None, facts))}


def _tell_price(each: Model, own: Prices | None) -> str:
    prompt, completion = each.prompt_cost_per_1m, each.completion_cost_per_1m
    if own is not None:
        prompt, completion = own.prompt * MILLION, own.completion * MILLION
    if each.cost_per_search:
        return gettext("%(price)s a search") % {"price": f"${each.cost_per_search.normalize():f}"}
    if prompt is None:
        return ""
    if not prompt and not completion:
        return gettext("free")
    prices = {"prompt": f"${_short(prompt)}", "completion": f"${_short(completion or Decimal(0))}"}
    if not completion:
        return gettext("%(prompt)s per million tokens") % prices
    return gettext("%(prompt)s in, %(completion)s out per million tokens") % prices


def _short(amount: Decimal) -> str:
    return f"{amount:.4f}".rstrip("0").rstrip(".") or "0"
