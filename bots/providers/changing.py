"""Keep keys, replace them, forget them, and have bots choose among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from bots.models import BotProfile, ProviderChoice, ProviderCredential
from bots.versions.keeping import keeping
from minirag.ai.catalogue import is_provider
from minirag.ai.credentials import CredentialsInvalid, read_credentials
from minirag.ai.pricing import family_of
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import compare, record
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature

MOST_CHOSEN: Final = 20  # keys of one bot


def list_providers() -> QuerySet[ProviderCredential]:
    """The keys, with who uses each in one more query."""
    return ProviderCredential.objects.prefetch_related("choices")


def find_provider(provider_id: UUID) -> ProviderCredential:
    """Raises NotFound."""
    found = list_providers().filter(pk=provider_id).first()
    if found is None:
        raise NotFound(gettext("Provider key not found"))
    return found


def keep_key(name: str, provider: str, api_key: str, api_base: str = "") -> ProviderCredential:
    """Keep a key of the tenant's. Raises NotInPlan, BadInput for one that cannot be of use, Conflict for a name."""
    require_feature(Feature.PROVIDER_KEYS)
    credential = ProviderCredential(name=name, provider=provider)
    check_key(provider, api_key, api_base)
    credential.set_key(api_key, api_base)
    with _unique_name(), transaction.atomic():
        credential.save(force_insert=True)
        record("provider.created", of=credential, detail={"provider": provider})
    return credential


def check_key(provider: str, api_key: str, api_base: str) -> None:
    """Raise BadInput for an unknown provider, or a key or an address that could never be used."""
    if not is_provider(provider):
        raise BadInput(
            gettext("No such provider: the catalogue lists those that there are."),
            code="provider_unknown",
        )
    try:
        read_credentials({"api_key": api_key, "api_base": api_base or None})
    except CredentialsInvalid as error:
        raise BadInput(
            gettext("%(what)s.") % {"what": str(error).rstrip(".")}, code="provider_key_invalid"
        ) from None
    if (
        "?" in api_base or "#" in api_base
    ):  # shown to all who read, and the path of a call comes after it
        raise BadInput(
            gettext("The address ends with its path, such as /v1: no query, no #."),
            code="provider_key_invalid",
        )
    if api_base and not takes_address(provider):
        raise BadInput(
            gettext("Only openai, hosted_vllm and lm_studio can be called at another address."),
            code="provider_key_invalid",
        )


def takes_address(provider: str) -> bool:
    """Whether the provider's protocol may be spoken with a server of the tenant's own."""
    return provider in ("openai", "hosted_vllm", "lm_studio")


def change_provider(provider_id: UUID, changes: Mapping[str, Any]) -> ProviderCredential:
    """Rename a key, or replace it, for all bots that use it from their next call on.

    A key is for one address: another address needs the key again. Raises NotFound, BadInput, Conflict.
    """
    with _unique_name(), transaction.atomic():
        credential = _lock(provider_id)
        compared = compare(
            credential, {name: value for name, value in changes.items() if name != "api_key"}
        )
        if "name" in changes:
            credential.name = changes["name"]
        base, key = changes.get("api_base", credential.api_base), changes.get("api_key")
        if key:
            check_key(credential.provider, key, base if base != credential.api_base else "")
            credential.set_key(key, base)
        elif base != credential.api_base:
            raise BadInput(
                gettext("Another address needs its api_key with it."), code="provider_key_needed"
            )
        credential.save()
        record("provider.changed", of=credential, changes=compared, detail={"replaced": bool(key)})
    return find_provider(provider_id)


def forget_key(provider_id: UUID) -> None:
    """Forget a key for good. Raises NotFound, and Conflict while bots use it."""
    with transaction.atomic():
        credential = _lock(provider_id)
        users = BotProfile.objects.filter(provider_choices__credential=credential).order_by("name")
        if names := [bot.name for bot in users[:11]]:
            more = " and others" if len(names) > 10 else ""
            told = ", ".join(names[:10])
            detail = f"Bots use this key: {told}{more}. Give them another first."
            raise Conflict(detail, code="provider_in_use")
        record("provider.deleted", of=credential, detail={"provider": credential.provider})
        credential.delete()


def find_chosen(bot: BotProfile) -> list[ProviderCredential]:
    """The keys that a bot has chosen, by name."""
    return list(ProviderCredential.objects.filter(choices__bot_profile=bot))


def choose_keys(bot: BotProfile, provider_ids: Sequence[UUID]) -> list[ProviderCredential]:
    """Have the bot use these keys and no others, one of a provider, from its next call on.

    Raises BadInput for a key that the tenant does not have, and for two of one provider.
    """
    with keeping(bot):
        BotProfile.objects.select_for_update(no_key=True).only("pk").get(pk=bot.pk)
        wanted = ProviderCredential.objects.select_for_update(no_key=True).filter(
            pk__in=provider_ids
        )
        found = list(wanted.order_by("name", "id"))
        if len(found) != len(set(provider_ids)):
            raise BadInput(
                gettext("There is no such provider key in this tenant."), code="provider_not_found"
            )
        check_alike(found)
        old = find_chosen(bot)
        if {each.pk for each in old} != {each.pk for each in found}:
            ProviderChoice.objects.filter(bot_profile_id=bot.pk).delete()
            ProviderChoice.objects.bulk_create(
                ProviderChoice(bot_profile_id=bot.pk, credential=each, provider=family_of(each.provider))
                for each in found
            )  # fmt: skip
        changes = {"providers": [[each.name for each in old], [each.name for each in found]]}
        record("bot.providers_chosen", of=bot, changes=changes)
    return found


def check_alike(chosen: Sequence[ProviderCredential]) -> None:
    """Raise BadInput where two keys are for one provider."""
    if len({family_of(each.provider) for each in chosen}) < len(chosen):
        raise BadInput(gettext("Choose one key of each provider."), code="providers_alike")


def _lock(provider_id: UUID) -> ProviderCredential:
    found = ProviderCredential.objects.select_for_update().filter(pk=provider_id).first()
    if found is None:
        raise NotFound(gettext("Provider key not found"))
    return found


@contextmanager
def _unique_name() -> Iterator[None]:
    """Turn the database's complaint of a second key of one name into a Conflict."""
    try:
        yield
    except IntegrityError:
        raise Conflict(
            gettext("There is a provider key of this name."), code="provider_exists"
        ) from None
