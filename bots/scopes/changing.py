"""Make, change and delete a bot's scopes, and say what is odd about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext

from bots.models import BotProfile, Scope, Strictness
from bots.scopes.topics import measure_topic, read_terms, read_topic
from bots.versions.keeping import keeping
from minirag.lib.errors import Conflict, NotFound
from minirag.lib.text.languages import detect_language
from tenants.audit import compare, record

MOST_SCOPES: Final = 20
SHORT_ANSWER, LONG_ANSWER = 50, 2000  # words


@dataclass(frozen=True)
class ScopeWarning:
    """Something that is allowed and hardly meant; `field` is the one to look at."""

    code: str
    field: str
    message: str


def find_scope(bot: BotProfile, scope_id: UUID) -> Scope:
    """Return one of a bot's scopes, active or not. Raises NotFound."""
    scope = Scope.objects.filter(bot_profile=bot, pk=scope_id).first()
    if scope is None:
        raise NotFound(gettext("Scope not found"))
    return scope


def create_scope(bot: BotProfile, fields: dict[str, Any]) -> Scope:
    """Make a scope of a bot. Raises Conflict for a name that the bot has already, and for one scope too many."""
    with keeping(bot):
        BotProfile.objects.select_for_update().only("pk").get(
            pk=bot.pk
        )  # so that scopes are counted one by one
        if Scope.objects.filter(bot_profile=bot).count() >= MOST_SCOPES:
            raise Conflict(
                gettext("A bot has at most %(most_scopes)s scopes.") % {"most_scopes": MOST_SCOPES},
                code="too_many_scopes",
            )
        scope = Scope(bot_profile=bot, **fields)
        _save(scope, force_insert=True)
        record("scope.created", of=scope, detail={"bot_profile_id": bot.pk})
    return scope


def update_scope(scope: Scope, fields: dict[str, Any]) -> Scope:
    """Change only the given fields. Raises Conflict for a name that another scope of the bot has."""
    changes = compare(scope, fields)
    for name, value in fields.items():
        setattr(scope, name, value)
    with keeping(scope.bot_profile):
        _save(scope, update_fields=[*fields, "updated_at"])
        record("scope.changed", of=scope, changes=changes)
    return scope


def delete_scope(scope: Scope) -> None:
    """Delete a scope for good; it counts for the next question no more."""
    with keeping(scope.bot_profile):
        record("scope.deleted", of=scope, detail={"bot_profile_id": scope.bot_profile_id})
        scope.delete()


def set_scopes(bot: BotProfile, wanted: Iterable[Mapping[str, Any]]) -> None:
    """Have the bot these scopes and no others, by their names; what is so already is left alone."""
    there = {scope.name: scope for scope in Scope.objects.filter(bot_profile=bot)}
    rules = {each["name"]: {name: each[name] for name in each if name != "name"} for each in wanted}
    with keeping(bot):
        for name in there.keys() - rules.keys():
            delete_scope(there[name])
        for name, fields in rules.items():
            if name not in there:
                create_scope(bot, {"name": name, **fields})
            elif any(getattr(there[name], key) != value for key, value in fields.items()):
                update_scope(there[name], fields)


def _save(scope: Scope, **options: Any) -> None:
    try:
        with transaction.atomic():
            scope.save(**options)
    except IntegrityError:
        raise Conflict(
            gettext("This bot has a scope of that name already."), code="scope_name_taken"
        ) from None


def has_sources(bot: BotProfile) -> bool:
    """Whether there is anything that the bot could answer from."""
    own = Q(private_dataset__sources__is_active=True)
    shared = Q(dataset_links__is_active=True, dataset_links__dataset__sources__is_active=True)
    return BotProfile.objects.filter(own | shared, pk=bot.pk).exists()


def find_warnings(scope: Scope, *, has_sources: bool = True) -> list[ScopeWarning]:
    """Name what is odd about a scope. Pure: whether its bot has sources is for the caller to know."""
    found = [*_warn_of_topics(scope)]
    if scope.strictness == Strictness.STRICT and not scope.allowed_topics:
        text = "A strict scope without allowed topics refuses no more than its forbidden ones: name what is allowed."
        found.append(ScopeWarning("strict_without_topics", "allowed_topics", text))
    if scope.strictness == Strictness.STRICT and not has_sources:
        text = "The bot has no active source, and with a strict scope it answers from sources only: it will refuse all."
        found.append(ScopeWarning("strict_without_sources", "strictness", text))
    if scope.max_words is not None and not SHORT_ANSWER <= scope.max_words <= LONG_ANSWER:
        extreme = "short" if scope.max_words < SHORT_ANSWER else "long"
        text = f"Answers of at most {scope.max_words} words are very {extreme}."
        found.append(ScopeWarning(f"very_{extreme}_answers", "guidelines", text))
    return found


def _warn_of_topics(scope: Scope) -> Iterable[ScopeWarning]:
    topics = [("allowed_topics", topic) for topic in scope.allowed_topics]
    topics += [("forbidden_topics", topic) for topic in scope.forbidden_topics]
    language = detect_language(" ".join(topic for _, topic in topics))
    for field, topic in topics:
        if not (read_topic(topic, language) or read_topic(topic, detect_language(topic))):
            text = f"“{topic}” has no word that carries meaning: it matches no question."
            yield ScopeWarning("unusable_topic", field, text)
    for allowed in scope.allowed_topics:
        mine = [read_terms(allowed, language)]
        for forbidden in scope.forbidden_topics:
            if measure_topic(forbidden, mine) == 1:
                text = f"“{allowed}” is allowed and falls under the forbidden “{forbidden}”, which wins."
                yield ScopeWarning("overlapping_topics", "forbidden_topics", text)
            elif measure_topic(allowed, [read_terms(forbidden, language)]) == 1:
                text = f"“{forbidden}” is forbidden and lies within the allowed “{allowed}”: it is refused."
                yield ScopeWarning("overlapping_topics", "forbidden_topics", text)
