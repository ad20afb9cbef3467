"""What keeps two people who change the same thing from overwriting each other.

A form carries a fingerprint of each value that it showed. When it is posted, the row is read again behind a lock. Where
somebody else has changed it in between, nothing is saved: the form says who it was and what stands there now, keeps
what this person wrote, and shows the new values of what they had not touched. Saving once more is then their decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from django import forms
from django.core.files.base import File
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext

from minirag.lib.saving.tags import hold_row
from tenants.context import current_tenant
from tenants.models import AuditEvent

SEEN: Final = "seen_values"
_LONGEST_SEEN: Final = 50_000
_LONGEST_SHOWN: Final = 20_000
_LOOKED_BACK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Theirs:
    """A value that both have changed, as it stands now."""

    label: str
    text: str


class Guarded(forms.BaseForm):
    """Base of forms that change a row that is there; a form that carries no fingerprints is not checked."""

    theirs: tuple[Theirs, ...] = ()

    @property
    def guarded_id(self) -> object:
        """The id of the row that it changes; None while there is none."""
        row = getattr(self, "instance", None)
        return row.pk if isinstance(row, Model) and not row._state.adding else None

    @property
    def seen_values(self) -> str:
        """What the page carries; the fingerprints are of what stands there now, also when it is shown again."""
        return "" if self.guarded_id is None else json.dumps(self._fingerprints)

    @property
    def _fingerprints(self) -> dict[str, str]:
        kept: dict[str, str] | None = self.__dict__.get("_stand")
        if kept is None:
            kept = self.__dict__["_stand"] = {
                name: _fingerprint(self.get_initial_for_field(field, name))
                for name, field in self.fields.items()
                if not field.disabled and not isinstance(field, forms.FileField | SeenField)
            }
        return kept

    def full_clean(self) -> None:
        carried = self.add_prefix(SEEN)
        is_checked = self.is_bound and self.guarded_id is not None and carried in self.data
        stand = (
            self._fingerprints if is_checked else {}
        )  # before the form puts anything into its row
        super().full_clean()
        if is_checked:
            self._refuse_overwriting(_read_seen(self.data.get(carried)), stand)

    def _refuse_overwriting(self, seen: Mapping[str, str], stand: Mapping[str, str]) -> None:
        others = [name for name, value in stand.items() if seen.get(name, value) != value]
        mine = {name: _fingerprint(self.cleaned_data.get(name)) for name in others}
        others = [name for name in others if mine[name] != stand[name]]
        if not others:
            return
        told = []
        for name in others:
            field = self.fields[name]
            if mine[name] == seen[name]:
                _show_what_stands(field)
            else:
                text = _show(field, self.get_initial_for_field(field, name))
                told.append(Theirs(str(self[name].label), text))
        self.theirs = tuple(told)
        names = ", ".join(f"“{self[name].label}”" for name in others)
        kept = self._tell_kept()
        who = _tell_last_change(self.noted_id)
        self.add_error(
            None,
            forms.ValidationError(
                gettext(
                    "%(who)s has changed %(names)s while you had this page open, so nothing is saved yet. %(kept)s"
                )
                % {"who": who, "names": names, "kept": kept},
                code="changed_meanwhile",
            ),
        )

    @property
    def noted_id(self) -> object:
        """Under which id the audit log has its changes."""
        return self.guarded_id

    def _tell_kept(self) -> str:
        if self.theirs:
            return gettext(
                "What you wrote is still here, and below is what it says now. Save again to put yours in its place."
            )
        return gettext(
            "It shows what it says now; the rest is as you wrote it. Save again to keep both."
        )


class SeenField(forms.CharField):
    """Carries the fingerprints of a form that is one of several on a page; it is no change, and shows what stands."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


class GuardedForm(Guarded, forms.Form):
    """A form of a page that asks (`ProductAdmin.ask`) for the changes of a row."""

    def __init__(self, *args: Any, guards: object, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guarded_id = guards

    @property
    def guarded_id(self) -> object:
        return self._guarded_id


class GuardedModelForm(Guarded, forms.ModelForm):
    """The base of every form of a model in the admin; a field without a label has its column's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {column.name: column.verbose_name for column in self._meta.model._meta.fields}
        for name, field in self.fields.items():
            if field.label is None and name in names:
                field.label = capfirst(str(names[name]))


class GuardedRowForm(GuardedModelForm):
    """The base of the forms of rows that are changed on the page of another one (`GuardedRows`)."""

    seen_values = SeenField()  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.guarded_id is not None:
            self.initial[SEEN] = json.dumps(self._fingerprints)

    def _tell_kept(self) -> str:
        if not self.theirs:
            return super()._tell_kept()
        return gettext("It says now: %(now)s. Save again to put yours in its place.") % {
            "now": ", ".join(f"{each.label} {each.text}" for each in self.theirs)
        }


@contextmanager
def holding(request: HttpRequest, row_id: object) -> Iterator[None]:
    """While a page that asks is answered, have nobody else save the same row; looking at it holds nothing."""
    if request.method != "POST":
        yield
        return
    with transaction.atomic():
        hold_row(row_id)
        yield


def _tell_last_change(row_id: object) -> str:
    """`bob@acme.example.com (12:05 UTC)`: who changed a row last, as the audit log has it."""
    tenant = current_tenant()
    events = AuditEvent.objects.filter(created_at__gte=timezone.now() - _LOOKED_BACK)
    if tenant is not None:
        events = events & AuditEvent.objects.of_tenant(tenant)
    about = events.filter(detail__id=str(row_id))
    found = about.filter(detail__has_key="changes").first() or about.first()
    if found is None:
        return gettext("Somebody")
    return f"{found.actor or gettext('Somebody')} ({found.created_at:%H:%M} UTC)"


def _read_seen(text: Any) -> dict[str, str]:
    """The fingerprints that a page carried; none where they are not ours."""
    if not isinstance(text, str) or len(text) > _LONGEST_SEEN:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return (
        {name: value for name, value in found.items() if isinstance(value, str)}
        if isinstance(found, dict)
        else {}
    )


def _fingerprint(value: Any) -> str:
    return sha256(_plain(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(value: Any) -> str:
    """One text for a value as it is stored, as a form shows it and as a form reads it."""
    if value is None or value in ("", [], {}, ()):
        return ""
    if isinstance(value, Model):
        return _plain(value.pk)
    if isinstance(value, datetime):
        moment = value if timezone.is_naive(value) else value.astimezone(UTC)
        return moment.replace(microsecond=0, tzinfo=None).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return format(Decimal(str(value)).normalize(), "f")
    if isinstance(value, Mapping):
        return json.dumps({str(key): _plain(item) for key, item in value.items()}, sort_keys=True)
    if isinstance(value, list | tuple | set | QuerySet):
        items = [_plain(item) for item in value]
        is_set = isinstance(value, set | QuerySet) or any(isinstance(each, Model) for each in value)
        return json.dumps(sorted(items) if is_set else items)
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _show_what_stands(field: forms.Field) -> None:
    """Have a field that its person did not touch show the row's value, not the one that was posted."""
    field.bound_data = lambda data, initial: initial  # type: ignore[method-assign]


def _show(field: forms.Field, value: Any) -> str:
    if isinstance(value, File):
        return str(value.name)
    choices = dict(getattr(field, "choices", ())) if isinstance(field, forms.ChoiceField) else {}
    if isinstance(value, str | int) and value in choices:
        return str(choices[value])
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    shown = field.prepare_value(value)
    if isinstance(value, list | tuple | set | QuerySet) and not isinstance(shown, str):
        shown = "\n".join(str(each) for each in value)
    return str("" if shown is None else shown)[:_LONGEST_SHOWN] or gettext("(empty)")
