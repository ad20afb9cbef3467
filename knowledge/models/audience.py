"""Who asks, as far as it matters for what may be read to them; and who a source is for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, gettext_noop

from minirag.lib.bounds import ListOf
from minirag.lib.security.groups import LONGEST_GROUP, MOST_GROUPS, check_groups, fold_groups

INSIDER_MARK: Final = "*"
"""Stands for the tenant's own people among names of groups, none of which is called so."""


class Visibility(models.TextChoices):
    PUBLIC = "public", "Everybody"
    PRIVATE = "private", "Nobody but the tenant's own people"


AS_ITS_SOURCE: Final = gettext_noop("everybody, as far as its source is")


@dataclass(frozen=True)
class Audience:
    """Who asks: somebody in these groups. `is_insider`: one of the tenant's own people, who may read all that is there.

    What is public is for everybody; what has groups for whoever is in one of them; what is private and has none for
    insiders alone.
    """

    groups: frozenset[str] = frozenset()
    is_insider: bool = False

    @classmethod
    def of(cls, groups: Iterable[str]) -> Audience:
        return cls(frozenset(fold_groups(groups)))

    @classmethod
    def marked(cls, marks: Iterable[str]) -> Audience:
        """The audience with these marks."""
        return INSIDER if INSIDER_MARK in marks else cls(frozenset(marks))

    @property
    def marks(self) -> list[str]:
        """What a chat is marked with in which this audience may have been told what is not for everybody."""
        return [INSIDER_MARK] if self.is_insider else sorted(self.groups)

    def reads(self, prefix: str = "") -> Q:
        """The condition on `visibility` and `groups` of a row, or of the one that `prefix` leads to."""
        if self.is_insider:
            return Q()
        public = Q(**{f"{prefix}visibility": Visibility.PUBLIC, f"{prefix}groups": []})
        if not self.groups:
            return public
        return public | Q(**{f"{prefix}groups__has_any_keys": sorted(self.groups)})


ANYONE: Final = Audience()
INSIDER: Final = Audience(is_insider=True)


def tell_groups(
    groups: Collection[str] | None, *, everybody: str = gettext_noop("everybody")
) -> str:
    """Say for a person whom something is for: these groups, nobody where there are none, None for everybody."""
    if groups is None:
        return gettext(everybody)
    return ", ".join(groups) or gettext("nobody but the tenant's own people")


class Restrictable(models.Model):
    """Who it is for. With groups: whoever is in one of them, whatever `visibility` says."""

    visibility = models.CharField(
        max_length=10, choices=Visibility, default=Visibility.PUBLIC, db_default=Visibility.PUBLIC
    )
    groups = models.JSONField(
        default=list, db_default=models.Value([], models.JSONField()), blank=True,
        validators=[ListOf(MOST_GROUPS, LONGEST_GROUP), check_groups],
        help_text="Only visitors in one of these are answered from it. Empty: as the visibility says.",
    )  # fmt: skip

    class Meta:
        abstract = True
