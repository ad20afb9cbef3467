"""What a version keeps of a bot besides its own columns: its scopes, and what apps above this one have of it.

Each says so once, as its app starts; versions from before a part was kept do not have it, and leave it as it is.

    add_part(Part("scopes", _("Scopes"), read=..., tell=..., plan=..., bring_back=...))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from bots.models import BotProfile


def _as_it_is(value: Any) -> Any:
    return value


def _none_lost(bot: BotProfile, value: Any) -> tuple[Any, list[str]]:
    return value, []


def _nothing_to_check(bot: BotProfile, value: Any) -> None:
    pass


@dataclass(frozen=True)
class Part:
    """One of them, as JSON can hold it.

    `tell` gives it in lines, `compared` what of it makes a difference, `plan` what of it can come back to the bot now
    and sentences on what cannot, `check` raises ValidationError for what no bot may have any more.
    """

    name: str
    label: Any
    read: Callable[[BotProfile], Any]
    tell: Callable[[Any], Iterable[str]]
    bring_back: Callable[[BotProfile, Any], None]
    compared: Callable[[Any], Any] = _as_it_is
    plan: Callable[[BotProfile, Any], tuple[Any, list[str]]] = _none_lost
    check: Callable[[BotProfile, Any], None] = _nothing_to_check


PARTS: Final[dict[str, Part]] = {}


def add_part(part: Part) -> None:
    """Have versions keep it from now on."""
    PARTS[part.name] = part


def list_kept(configuration: dict[str, Any]) -> list[tuple[Part, Any]]:
    """The parts that a version has, with what it says of each."""
    return [(part, configuration[name]) for name, part in PARTS.items() if name in configuration]
