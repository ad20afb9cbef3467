"""The public rows of a tenant that is taken in: whose they may be, under which ids, and what of them is taken."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import NOT_PROVIDED, Model

from minirag.lib.errors import BadInput, Conflict
from tenants.branding.logos import LogoRefused, read_logo
from tenants.models import ApiToken, BotAddress, Domain, SsoIdentity, Tenant, TenantLogo, User
from tenants.moving.archive import PUBLIC, ArchiveReader, FileRefused, StreamInfo
from tenants.moving.layout import PUBLIC_KINDS, PublicKind
from tenants.moving.sealing import NewIds
from tenants.provisioning import normalise_host

_WITH_IDS: Final[tuple[tuple[type[Model], str, str, str], ...]] = (
    (User, "id", "", "The users have new ids here."),
    (BotAddress, "bot_profile_id", "", "The bots have new ids here: embed codes and calls that name them change."),
    (SsoIdentity, "id", "", ""),
    (ApiToken, "id", "tokens", ""),
)  # fmt: skip


def choose_ids(reader: ArchiveReader, parts: frozenset[str], notes: list[str]) -> NewIds:
    """Keep the file's ids, but where one of a kind is taken here all of that kind are new.

    Raises Conflict (`tokens_taken`) where the file's tokens work here already.
    """
    ids: dict[bytes, bytes] = {}
    own = str(reader.manifest.tenant_id)
    if Tenant.objects.filter(pk=own).exists():
        ids[own.encode()] = str(uuid.uuid4()).encode()
    for model, column, option, note in _WITH_IDS:
        if option and option not in parts:
            continue
        found = [cells[column] for cells in _cells(reader, model, {column})]
        if _exist(model, column, found):
            ids |= {each: str(uuid.uuid4()).encode() for each in found}
            notes.extend([note] if note else [])
    if "tokens" in parts:
        hashes = [cells["token_hash"] for cells in _cells(reader, ApiToken, {"token_hash"})]
        if _exist(ApiToken, "token_hash", hashes):
            raise Conflict(
                "The file's API tokens work for another tenant here. Leave the tokens out.",
                code="tokens_taken",
            )
    return NewIds(ids)


def check_hosts(reader: ArchiveReader, *, are_trusted: bool) -> None:
    """Raise Conflict (`host_taken`) where one of the file's hosts is the platform's own, or is trusted and leads to
    another tenant: of those that have to be proven anew that is no business of the file.

    Raises FileRefused for what is no host as they are compared here.
    """
    hosts = [cells["domain"] for cells in _cells(reader, Domain, {"domain"})]
    for host in (each.decode("utf-8", "replace") for each in hosts):
        try:
            is_plain = normalise_host(host) == host
        except BadInput:
            is_plain = False
        if not is_plain:
            raise FileRefused("The file names a host that is none.")
        if host in settings.PLATFORM_HOSTS:
            raise Conflict(
                f"The host {host} is the platform's own here. Leave the hosts out.",
                code="host_taken",
            )
    if are_trusted and (taken := _exist(Domain, "domain", hosts, is_claim=False)):
        raise Conflict(
            f"The host {taken} leads to another tenant here. Leave the hosts out.",
            code="host_taken",
        )


def _exist(model: type[Model], column: str, values: list[bytes], **facts: object) -> str:
    """One of these values that a row, of these facts, has already, or nothing."""
    for start in range(0, len(values), 1000):
        some = [value.decode("utf-8", "replace") for value in values[start : start + 1000]]
        try:
            rows = model._default_manager.filter(**{f"{column}__in": some}, **facts)
            taken = rows.values_list(column, flat=True).first()
        except (ValueError, TypeError, ValidationError) as error:
            raise FileRefused(f"An id of {model._meta.db_table} cannot be read.") from error
        if taken is not None:
            return str(taken)
    return ""


def _cells(
    reader: ArchiveReader, model: type[Model], wanted: set[str]
) -> Iterator[dict[str, bytes]]:
    stream = reader.manifest.stream(PUBLIC + model._meta.db_table)
    if stream is None:
        return
    _check_columns(stream, model)
    if not wanted <= set(stream.columns):
        raise FileRefused(f"{stream.name} lacks columns.")
    for line in reader.lines(stream):
        yield dict(zip(stream.columns, _split(line, stream), strict=True))


def _split(line: bytes, stream: StreamInfo) -> list[bytes]:
    cells = line[:-1].split(b"\t")
    if len(cells) != len(stream.columns):
        raise FileRefused(f"A row of {stream.name} cannot be read.")
    return cells


def _check_columns(stream: StreamInfo, model: type[Model]) -> None:
    ours = {field.column for field in model._meta.concrete_fields}
    if not set(stream.columns) <= ours or len(set(stream.columns)) != len(stream.columns):
        raise FileRefused(
            f"{stream.name} has columns that this version lacks.", code="tenant_file_foreign"
        )


def load_public_rows(
    reader: ArchiveReader, tenant: Tenant, change: Callable[[bytes], bytes], parts: frozenset[str],
    has_secrets: bool,
) -> int:  # fmt: skip
    """Write the rows that come along as this tenant's, whatever the file says of whose they are."""
    wanted = parts | ({"secrets"} if has_secrets else set())
    known = {PUBLIC + kind.name: kind for kind in PUBLIC_KINDS}
    told = {each.name for each in reader.manifest.streams if each.name.startswith(PUBLIC)}
    if not told <= set(known):
        raise FileRefused("The file names what no tenant has.", code="tenant_file_foreign")
    if PUBLIC + User._meta.db_table not in told:
        raise FileRefused("The file has no users.")
    people = {change(cells["id"]) for cells in _cells(reader, User, {"id"})}
    rows = 0
    for name, kind in known.items():
        stream = reader.manifest.stream(name)
        if stream is not None and (not kind.option or kind.option in wanted):
            _check_columns(stream, kind.model)
            fixed = _facts_of_hosts("trusted_hosts" in parts) if kind.model is Domain else {}
            rows += _load(reader, stream, kind, tenant, change, people, fixed)
    _rewrite_logo(tenant)
    return rows


def _rewrite_logo(tenant: Tenant) -> None:
    """Have a logo be what an upload could have left, since browsers are sent it."""
    kept = TenantLogo.objects.filter(tenant=tenant).first()
    if kept is None:
        return
    try:
        logo = read_logo(bytes(kept.data))
    except LogoRefused as error:
        raise FileRefused(f"The file's logo is refused: {error.detail}") from None
    TenantLogo.objects.filter(tenant=tenant).update(data=logo.data, content_type=logo.content_type)


def _load(
    reader: ArchiveReader, stream: StreamInfo, kind: PublicKind, tenant: Tenant,
    change: Callable[[bytes], bytes], people: set[bytes], fixed: dict[str, bytes],
) -> int:  # fmt: skip
    quote = connection.ops.quote_name
    owned = {
        "tenant_id": str(tenant.pk).encode(),
        "tenant_slug": tenant.slug.encode(),
        "is_superuser": b"f",
        **fixed,
    }
    forced = {name: owned[name] for name in kind.columns if name in owned}
    # Also where the file lacks the column: rows that say no tenant would be the platform's.
    added = _defaults(kind, set(stream.columns)) | {
        name: cell for name, cell in forced.items() if name not in stream.columns
    }
    columns = ", ".join(map(quote, [*stream.columns, *added]))
    owner = stream.columns.index("user_id") if "user_id" in stream.columns else None
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {quote(kind.name)} ({columns}) FROM STDIN") as copy:
            for line in reader.lines(stream):
                cells = _split(change(line), stream)
                if owner is not None and cells[owner] not in people:
                    raise FileRefused("The file names a user who is not its tenant's.")
                kept = [
                    forced.get(name, cell) for name, cell in zip(stream.columns, cells, strict=True)
                ]
                copy.write(b"\t".join([*kept, *added.values()]) + b"\n")
        if cursor.rowcount != stream.rows:
            raise FileRefused(f"Not all rows of {stream.name} could be read.")
    return stream.rows


def _facts_of_hosts(are_trusted: bool) -> dict[str, bytes]:
    """What is not the file's to say of hosts: whether they are proven, and since when."""
    nothing = dict.fromkeys(("proof_seen_at", "proof_missed_at", "proof_looked_at"), b"\\N")
    return nothing if are_trusted else {**nothing, "is_claim": b"t", "is_primary": b"f"}


def _defaults(kind: PublicKind, there: set[str]) -> dict[str, bytes]:
    """What columns have that a file of an earlier version lacks."""
    missing: dict[str, bytes] = {}
    for field in kind.model._meta.concrete_fields:
        if field.column in there or field.column not in kind.columns:
            continue
        if field.db_default is not NOT_PROVIDED:
            continue
        missing[field.column] = _as_cell(field.get_default())
    return missing


def _as_cell(value: Any) -> bytes:
    """A column's default in the text format of COPY."""
    if value is None:
        return b"\\N"
    if isinstance(value, bool):
        return b"t" if value else b"f"
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return str(value).encode()
