"""`/v1/providers`: the tenant's keys at model providers, and the models that can be chosen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from bots.models import ProviderCredential
from bots.profiles import find_bot
from bots.providers.changing import (
    change_provider,
    choose_keys,
    find_chosen,
    find_provider,
    forget_key,
    keep_key,
    list_providers,
)
from bots.providers.schemas import (
    BotProviders,
    BotProvidersSchema,
    CatalogueQuery,
    CatalogueSchema,
    KeyTest,
    KeyTrialSchema,
    NewProvider,
    ProviderChanges,
    ProviderPageSchema,
    ProviderSchema,
)
from bots.providers.trying import KeyTrial, choose_model, try_stored
from minirag.ai import catalogue
from minirag.lib.database import MODELS
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit

_TAKEN = {409: "There is a provider key of this name."}


class ProviderView(ApiView):
    permission_classes = (HasTenant, permit("provider keys"))


class ProviderList(ProviderView):
    @describe("List provider keys", query=PageQuery, answers={200: ProviderPageSchema})
    def get(self, request: Request, query: PageQuery) -> Page[ProviderCredential]:
        return paginate(list_providers(), query, order=("name", "id"))

    @describe(
        "Keep a provider key", body=NewProvider, answers={201: ProviderSchema}, errors=_TAKEN,
        example={"name": "OpenAI", "provider": "openai", "api_key": "sk-0123456789abcdef0123"},
    )  # fmt: skip
    def post(self, request: Request, body: NewProvider) -> ProviderCredential:
        return keep_key(body.name, body.provider, body.api_key, body.api_base)


class ProviderDetail(ProviderView):
    def tag_parts(self, shown: ProviderSchema) -> dict[str, Any]:
        """Of the key, which nobody reads, since when it is this one."""
        return {"name": shown.name, "api_base": shown.api_base, "key": shown.key_set_at}

    @describe("Show a provider key", answers={200: ProviderSchema})
    def get(self, request: Request, provider_id: UUID) -> ProviderCredential:
        return find_provider(provider_id)

    @describe(
        "Change a provider key", body=ProviderChanges, answers={200: ProviderSchema}, errors=_TAKEN,
        description="A new `api_key` counts for all bots that use it, from their next call on. Another `api_base` "
        "needs the key with it.",
        example={"api_key": "sk-9876543210fedcba9876"},
    )  # fmt: skip
    def patch(
        self, request: Request, provider_id: UUID, body: ProviderChanges
    ) -> ProviderCredential:
        return change_provider(provider_id, body.model_dump(exclude_unset=True))

    @describe(
        "Forget a provider key", answers={204: None}, errors={409: "Bots use it; the answer names them."},
    )  # fmt: skip
    def delete(self, request: Request, provider_id: UUID) -> None:
        forget_key(provider_id)


class ProviderTest(ProviderView):
    thread_pool = MODELS

    @describe(
        "Test a provider key", body=KeyTest, answers={200: KeyTrialSchema},
        description="One call of a few tokens, within 20 seconds. A key that does not work is an answer, not an error.",
        example={"model": "gpt-4o-mini"},
    )  # fmt: skip
    def post(self, request: Request, provider_id: UUID, body: KeyTest) -> KeyTrial:
        credential = find_provider(provider_id)
        return try_stored(credential, body.model or choose_model(credential))


class ModelCatalogue(ProviderView):
    @describe(
        "List the models that can be chosen", query=CatalogueQuery, answers={200: CatalogueSchema},
        description="What the price list inside LiteLLM knows; nothing is fetched.",
    )  # fmt: skip
    def get(self, request: Request, query: CatalogueQuery) -> dict[str, Any]:
        found = catalogue.find_models(provider=query.provider, mode=query.mode, words=query.q)
        shown = found[: query.limit]
        return {"items": shown, "total": len(found), "providers": catalogue.list_providers()}


class BotProviderList(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe("Show which provider keys a bot uses", answers={200: BotProvidersSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> dict[str, Any]:
        return _show(find_chosen(find_bot(bot_profile_id)))

    @describe(
        "Choose a bot's provider keys", body=BotProviders, answers={200: BotProvidersSchema},
        description="Each goes to models of its provider alone. The bot's own key, if it has one, counts before them.",
        example={"provider_ids": []},
    )  # fmt: skip
    def put(self, request: Request, bot_profile_id: UUID, body: BotProviders) -> dict[str, Any]:
        return _show(choose_keys(find_bot(bot_profile_id), body.provider_ids))


def _show(chosen: list[ProviderCredential]) -> dict[str, Any]:
    return {"items": list(list_providers().filter(pk__in=[each.pk for each in chosen]))}
