"""Keep each saved configuration of a bot as a numbered version.

    with keeping(bot, CameFrom.DRAFT, note="why"):
        ...                                       # whatever saves; nothing changed, nothing is kept

Whoever saves a bot does so inside of `keeping`. Within another one it is left to the outer, so that what is saved
together is one version. Neither keys nor other secrets are in it: of a key of its own only that there is one, and of
chosen provider keys their names. Its `PARTS` are in it, such as its scopes: whoever saves one does so inside of
`keeping` as well.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from bots.configurations import answering_fields, fingerprint, with_configuration
from bots.models import BotProfile, BotVersion, CameFrom, ProviderCredential
from bots.versions.parts import PARTS
from minirag.lib.errors import NotFound
from tenants.audit import acts_by, name_actor

MOST_VERSIONS: Final = 100
"""Of one bot; the oldest go."""
NOT_KEPT: Final = frozenset(
    (
        "id", "stored_bytes", "created_at", "updated_at",
        "is_active",  # a switch: bringing a configuration back switches no bot on or off
        "encrypted_credentials", "key_provider", "encrypted_identity_secret", "encrypted_previous_identity_secret",
        "previous_identity_secret_until",
    )
)  # fmt: skip
KEYS, OWN_KEY, SCOPES = "provider_keys", "own_key", "scopes"

_kept_bot: ContextVar[uuid.UUID | None] = ContextVar("kept_bot", default=None)


def kept_columns() -> tuple[str, ...]:
    """The columns of a bot that a version has."""
    names = (column.attname for column in BotProfile._meta.concrete_fields)
    return tuple(name for name in names if name not in NOT_KEPT)


def describe_configuration(bot: BotProfile) -> dict[str, Any]:
    """What a version keeps of a bot, as JSON can hold it."""
    chosen = ProviderCredential.objects.filter(choices__bot_profile_id=bot.pk).order_by(
        "name", "id"
    )
    keys = [{"id": str(each.pk), "name": each.name, "provider": each.provider} for each in chosen]
    columns = {name: getattr(bot, name) for name in kept_columns()}
    parts = {name: part.read(bot) for name, part in PARTS.items()}
    return {**columns, KEYS: keys, OWN_KEY: bot.has_credentials, **parts}


def find_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The names of what two configurations differ in. Of a version from before a part was kept it is not known."""
    known = [name for name in new if name not in PARTS or name in old]
    return [name for name in known if _plain(name, value_of(old, name)) != _plain(name, new[name])]


def value_of(configuration: Mapping[str, Any], name: str) -> Any:
    """A setting in a configuration; of one that is older than the setting, what everybody had then. None for none."""
    if name in configuration:
        return configuration[name]
    if name in (KEYS, OWN_KEY):
        return [] if name == KEYS else False
    try:
        column: Any = BotProfile._meta.get_field(name)
    except FieldDoesNotExist:  # there was one once
        return None
    return column.get_default()


def _plain(name: str, value: Any) -> Any:
    if name in PARTS:
        return PARTS[name].compared(value)
    return [each["id"] for each in value] if name == KEYS else value


@contextmanager
def keeping(
    bot: BotProfile, came_from: CameFrom | None = None, *, note: str = "", restored: int | None = None,
    is_new: bool = False,
) -> Iterator[None]:  # fmt: skip
    """Keep what the body makes of the bot; `came_from` is told by who acts where it is not given."""
    if _kept_bot.get() == bot.pk:
        yield
        return
    token = _kept_bot.set(bot.pk)
    try:
        with transaction.atomic():
            if not is_new:
                begin_history(bot.pk)
            yield
            _keep(bot.pk, came_from or CameFrom(acts_by()), note, restored)
    finally:
        _kept_bot.reset(token)


def begin_history(bot_id: uuid.UUID) -> None:
    """Before a bot's first change since there are versions: keep it as it is. Others who save it wait."""
    bot = BotProfile.objects.select_for_update(no_key=True).filter(pk=bot_id).first()
    if bot is not None and not BotVersion.objects.filter(bot_profile_id=bot_id).exists():
        _write(bot, 1, describe_configuration(bot), came_from=CameFrom.BEFORE)


def _keep(bot_id: uuid.UUID, came_from: CameFrom, note: str, restored: int | None) -> None:
    bot = BotProfile.objects.get(pk=bot_id)
    last = BotVersion.objects.filter(bot_profile_id=bot_id).order_by("-number").first()
    configuration = describe_configuration(bot)
    changed = find_changed(last.configuration, configuration) if last else []
    is_older = last is not None and any(
        configuration[name] for name in PARTS.keys() - last.configuration.keys()
    )
    if last is not None and not changed and not is_older:
        return
    number = last.number + 1 if last else 1
    _write(
        bot, number, configuration, came_from=came_from, changed=changed, made_by=name_actor(), note=note[:1000],
        restored_number=restored,
    )  # fmt: skip
    BotVersion.objects.filter(bot_profile_id=bot_id, number__lte=number - MOST_VERSIONS).delete()


def _write(bot: BotProfile, number: int, configuration: dict[str, Any], **facts: Any) -> None:
    answering = {name: configuration[name] for name in answering_fields()}
    BotVersion.objects.create(
        bot_profile=bot, number=number, configuration=configuration,
        configuration_hash=fingerprint(answering), **facts,
    )  # fmt: skip


def versions_of(bot: BotProfile) -> QuerySet[BotVersion]:
    """A bot's versions, the newest first."""
    return BotVersion.objects.filter(bot_profile_id=bot.pk).order_by("-number")


def find_version(bot: BotProfile, version_id: uuid.UUID) -> BotVersion:
    """Raises NotFound."""
    found = versions_of(bot).filter(pk=version_id).first()
    if found is None:
        raise NotFound(gettext("The bot has no such version"))
    return found


def as_of_version(bot: BotProfile, number: int) -> BotProfile:
    """The bot answering as a version did, to be asked and never saved. Raises NotFound, BadInput."""
    version = versions_of(bot).filter(number=number).first()
    if version is None:
        raise NotFound(gettext("The bot has no such version"))
    known = {
        name: version.configuration[name]
        for name in answering_fields()
        if name in version.configuration
    }
    trial = with_configuration(bot, known)
    if SCOPES in version.configuration:
        kept = [each for each in version.configuration[SCOPES] if each["is_active"]]
        trial.scope_rows = kept
    return trial
