"""Scopes in the versions of a bot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.validators import EMPTY_VALUES
from django.utils.translation import gettext, gettext_lazy

from bots.models import SCOPE_FACTS, BotProfile, Scope
from bots.scopes.changing import set_scopes
from bots.versions.keeping import SCOPES
from bots.versions.parts import Part

_KEPT: Final = ("description", "is_active", *SCOPE_FACTS[1:])  # all but their ids


def _read(bot: BotProfile) -> list[dict[str, Any]]:
    return list(Scope.objects.filter(bot_profile_id=bot.pk).values(*_KEPT))


def _tell(scopes: list[dict[str, Any]] | None) -> Iterator[str]:
    for scope in scopes or ():
        yield from _tell_scope(scope)


def _tell_scope(scope: Mapping[str, Any]) -> Iterator[str]:
    """A scope in lines: its name, and each thing that it is set to."""
    yield scope["name"] if scope["is_active"] else f"{scope['name']} ({gettext('inactive')})"
    for name, value in scope.items():
        column: Any = Scope._meta.get_field(name)
        if name not in ("name", "is_active") and value not in EMPTY_VALUES and value is not False:
            for each in value if isinstance(value, list) else [value]:
                shown = dict(column.flatchoices or ()).get(
                    each, gettext("yes") if each is True else each
                )
                yield f"  {column.verbose_name}: {shown}"


def _check(bot: BotProfile, scopes: list[dict[str, Any]]) -> None:
    for each in scopes:
        Scope(bot_profile=bot, **each).clean_fields()


PART: Final = Part(
    SCOPES, gettext_lazy("Scopes"), read=_read, tell=_tell, bring_back=set_scopes, check=_check
)
