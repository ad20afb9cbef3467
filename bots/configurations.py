"""A bot's answering configuration as values: read it, compare it, and have a bot with other values that is not saved.

    trial = with_configuration(bot, {"passage_count": 8})     # for conversations.evaluating.rehearsing.rehearse
    snapshot(trial) == snapshot(bot) | {"passage_count": 8}

What counts is every column that is not named below, so that a new column is part of it until somebody says otherwise.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db.models import JSONField
from django.utils.translation import gettext

from bots.models import BotProfile
from minirag.lib.errors import BadInput

NOT_ANSWERING: Final = frozenset(
    (
        "id", "name", "description", "is_active", "stored_bytes", "created_at", "updated_at",
        # The widget's, and what is only told: none of it decides what is answered.
        "greeting", "appearance", "contact", "starter_questions", "allowed_origins", "is_public",
        "is_indexed",
        # Secrets, and no part of what is compared.
        "encrypted_credentials", "key_provider", "encrypted_identity_secret", "encrypted_previous_identity_secret",
        "previous_identity_secret_until",
        # Vectors under another model exist only once it is set: it cannot be tried before.
        "embedding_model",
    )
)  # fmt: skip


def answering_fields() -> tuple[str, ...]:
    """The columns that decide how a bot answers and that can be tried without saving them."""
    names = (column.attname for column in BotProfile._meta.concrete_fields)
    return tuple(name for name in names if name not in NOT_ANSWERING)


def snapshot(bot: BotProfile) -> dict[str, Any]:
    """The bot's answering configuration, as JSON can hold it; an unsaved value counts."""
    return {name: getattr(bot, name) for name in answering_fields()}


def fingerprint(configuration: Mapping[str, Any]) -> str:
    """A short name of a configuration: equal for equal ones."""
    text = json.dumps(configuration, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_configuration(bot: BotProfile, values: Mapping[str, Any]) -> BotProfile:
    """Return a copy of the bot with other values, to be asked and never saved.

    Raises BadInput (`not_a_configuration`) for a field that is no part of it or a value that no bot could have.
    """
    if unknown := sorted(set(values) - set(answering_fields())):
        raise BadInput(
            gettext("%(what)s: no part of how a bot answers.") % {"what": ", ".join(unknown)},
            code="not_a_configuration",
        )
    trial = copy.copy(bot)
    for name, value in values.items():
        if value in EMPTY_VALUES:  # cleaning leaves these as they are, whatever the column
            value = _find_empty(name)
        setattr(trial, name, value)
    try:
        trial.clean_fields(exclude=NOT_ANSWERING)
    except ValidationError as error:
        told = "; ".join(f"{name}: {' '.join(why)}" for name, why in error.message_dict.items())
        raise BadInput(told, code="not_a_configuration") from None
    return trial


def _find_empty(name: str) -> Any:
    column: Any = BotProfile._meta.get_field(name)
    if column.null:
        return None
    return column.get_default() if isinstance(column, JSONField) else ""


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Field by field what two configurations differ in, as [old, new]."""
    names = [*old, *(name for name in new if name not in old)]
    return {
        name: [old.get(name), new.get(name)] for name in names if old.get(name) != new.get(name)
    }
