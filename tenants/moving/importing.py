"""Take a tenant in from its file: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from minirag.lib.errors import BadInput, Conflict
from minirag.lib.security.crypto import DecryptionFailed, decrypt, key_of_passphrase
from tenants import audit, schemas
from tenants.context import tenant_context
from tenants.due import make_all_due
from tenants.models import AuditEvent, BotAddress, Plan, Tenant, User, make_schema_name
from tenants.moving.archive import FILES, SCHEMA, ArchiveReader, FileRefused, Manifest, StreamInfo
from tenants.moving.exporting import CHECK, Tell, tell_nobody
from tenants.moving.folder import remove_files, restore_files
from tenants.moving.layout import ADMIN_LOG, Table, is_of_tenants, tables_of
from tenants.moving.public_rows import check_hosts, choose_ids, load_public_rows
from tenants.moving.sealing import NewIds, Resealing
from tenants.provisioning import check_slug

_OWN_HERE: Final = frozenset(
    {
        "id", "slug", "schema_name", "schema_version", "is_canary", "created_at", "updated_at",
        "maintenance_message", "maintenance_until", "maintenance_of_all",
    }
)  # fmt: skip
"""Columns of a tenant that are the installation's, whatever the file says."""
ALL: Final = frozenset({"hosts", "tokens", "webhooks", "log"})
TRUSTED_HOSTS: Final = "trusted_hosts"  # chosen beside them: they lead here without a new proof


class NewerVersion(Conflict):
    """The file was made by a release whose tables this one does not have."""

    code = "tenant_file_newer"


class PassphraseWrong(BadInput):
    """The file's secrets are sealed with another passphrase."""

    code = "passphrase_wrong"


@dataclass(frozen=True)
class Taken:
    """A tenant that was taken in, and what is not as it was: each a sentence for people."""

    tenant: Tenant
    notes: list[str]
    rows: int


AtEnd = Callable[[Taken], None]


def import_tenant(
    source: Path | BinaryIO, *, slug: str = "", name: str = "", passphrase: str | None = None,
    leave_secrets: bool = False, parts: frozenset[str] = ALL, actor: str = "", action: str = "tenant.imported",
    tell: Tell = tell_nobody, at_end: AtEnd | None = None,
) -> Taken:  # fmt: skip
    """Make the tenant of a file, under its own slug or another one.

    `parts` names what of hosts, tokens, webhooks and log comes along, and trusted hosts. Nothing is written before the
    file was read and compared with its manifest; `at_end` is called in the transaction that writes all.
    Raises FileRefused, NewerVersion, PassphraseWrong, Conflict.
    """
    with ArchiveReader(source) as reader:
        manifest = reader.manifest
        slug = slug or manifest.slug
        check_slug(slug)
        sealing_key = _key_of(manifest, passphrase, leave_secrets)
        is_current = _check_migrations(manifest)
        _check_tables(manifest)
        reader.verify()
        if "hosts" in parts:
            check_hosts(reader, are_trusted=TRUSTED_HOSTS in parts)
        if name:
            manifest.tenant["name"] = name
        return _Import(reader, slug, sealing_key, parts, tell).run(
            is_current, actor, action, at_end
        )


def _key_of(manifest: Manifest, passphrase: str | None, leave_secrets: bool) -> str | None:
    if manifest.secrets == "left_out" or leave_secrets:
        return None
    if not passphrase:
        raise PassphraseWrong(
            "The file's secrets are sealed: give its passphrase, or choose to leave them out.",
            code="passphrase_missing",
        )
    key = key_of_passphrase(passphrase, bytes.fromhex(manifest.salt))
    try:
        decrypt(manifest.check, context=CHECK, keys=[key])
    except DecryptionFailed:
        raise PassphraseWrong("This is not the file's passphrase.") from None
    return key


def _check_migrations(manifest: Manifest) -> bool:
    """Whether the file is of this release's tables; False for older ones. Raises NewerVersion."""
    known, its = schemas.known_migrations(), {tuple(each) for each in manifest.migrations}
    its = {key for key in its if key[0] in {app for app, _ in known}}
    if strange := sorted(its - known):
        raise NewerVersion(
            f"The file was made by a newer MiniRAG ({manifest.product[:40]}) with migrations that this one lacks, "
            f"such as {strange[0][0][:40]}.{strange[0][1][:60]}. Update this installation first."
        )
    return its == known


def _check_tables(manifest: Manifest) -> None:
    for stream in manifest.streams:
        table = stream.name.partition("/")[2]
        if not stream.name.startswith(FILES) and not is_of_tenants(table):
            raise FileRefused("The file names what no tenant has.", code="tenant_file_foreign")


class _Import:
    """One taking in; its steps share where the tenant goes and what stands for what."""

    def __init__(
        self, reader: ArchiveReader, slug: str, key: str | None, parts: frozenset[str], tell: Tell
    ) -> None:
        self.reader, self.manifest, self.parts, self.tell = reader, reader.manifest, parts, tell
        self.slug, self.schema_name = slug, make_schema_name(slug)
        self.has_folder = False
        self.notes: list[str] = []
        self.has_secrets = key is not None
        self.sealing = Resealing(
            [key or ""], settings.ENCRYPTION_KEYS if key else None, self._rename
        )
        self.ids = NewIds({})

    def run(self, is_current: bool, actor: str, action: str, at_end: AtEnd | None) -> Taken:
        is_done = False
        try:
            with tenant_context(None), transaction.atomic():
                taken = self._take_in(is_current, actor, action)
                if at_end is not None:
                    at_end(taken)
            is_done = True
        except schemas.SchemaExists:
            raise _taken(self.slug) from None
        except (OperationalError, psycopg.OperationalError):
            raise
        except (DatabaseError, psycopg.Error) as error:
            raise FileRefused(
                f"A row of the file does not fit this installation: {type(error).__name__}."
            ) from error
        finally:
            if not is_done:
                self._remove_folder()
        return taken

    def _take_in(self, is_current: bool, actor: str, action: str) -> Taken:
        tenant = self._make_tenant()
        rows = self._fill(tenant, is_current)
        detail = {"from": self.manifest.slug, "made_at": self.manifest.made_at, "rows": rows}
        audit.record(action, tenant=tenant, actor=actor, detail=detail)
        make_all_due(tenant.pk)
        return Taken(tenant, self.notes, rows)

    def _make_tenant(self) -> Tenant:
        if Tenant.objects.filter(slug=self.slug).exists():
            raise _taken(self.slug)
        if "log" in self.parts and AuditEvent.objects.filter(tenant_slug=self.slug).exists():
            self.parts -= {"log"}  # or somebody would read what was done to a tenant of before
            self.notes.append("The audit log was left out: a tenant of this slug has one here.")
        self.ids = choose_ids(self.reader, self.parts, self.notes)
        facts, tenant = self.manifest.tenant, Tenant()
        for field in Tenant._meta.concrete_fields:
            if field.attname in facts and field.attname not in _OWN_HERE:
                value = facts[field.attname]
                try:
                    setattr(
                        tenant,
                        field.attname,
                        None if field.null and value == "" else field.to_python(value),
                    )
                except ValidationError:
                    raise FileRefused("The file's tenant cannot be understood.") from None
        tenant.id = self.ids.rename(str(self.manifest.tenant_id))
        tenant.slug, tenant.schema_name = self.slug, self.schema_name
        try:
            tenant.full_clean(exclude=["id"], validate_unique=False)
        except ValidationError as error:
            raise FileRefused(
                f"The file's tenant is refused: {'; '.join(error.messages)[:300]}"
            ) from None
        try:
            tenant.save(force_insert=True)
        except IntegrityError:  # another import of it was first
            raise _taken(self.slug) from None
        return Tenant.objects.get(pk=tenant.pk)

    def _fill(self, tenant: Tenant, is_current: bool) -> int:
        if is_current:
            tenant.schema_version = schemas.create_schema(tenant)
        else:
            self._make_older(tenant)
        _check_at_end(True)
        rows = load_public_rows(self.reader, tenant, self._change, self.parts, self.has_secrets)
        rows += self._load_tables(tenant)
        _check_at_end(False)
        _check_bots(tenant)
        if not self.has_secrets:
            User.objects.filter(tenant=tenant).update(has_second_factor=False)
            self.notes.append(
                "Secrets were left out: provider keys, webhooks' secrets and second factors are to be set again."
            )
        self._restore_files()
        if not is_current:
            schemas.migrate_schema(tenant.schema_name)
            tenant.schema_version = schemas.target_version()
            self.notes.append("The file was of an earlier version and was migrated.")
        schemas.settle_schema(tenant)
        created = self.manifest.tenant.get("created_at")
        if created and "log" in self.parts:
            Tenant.objects.filter(pk=tenant.pk).update(created_at=created)
            tenant.refresh_from_db(fields=["created_at"])
        if Plan.objects.exists() and not Plan.objects.filter(key=tenant.plan).exists():
            self.notes.append(
                f"There is no plan '{tenant.plan}' here, so nothing is bounded by one."
            )
        if self.sealing.missed:
            self.notes.append(f"{self.sealing.missed} secrets did not open and were left out.")
        return rows

    def _make_older(self, tenant: Tenant) -> None:
        known = {app for app, _ in schemas.known_migrations()}
        its = {(app, name) for app, name in self.manifest.migrations if app in known}
        try:
            schemas.create_schema_at(tenant, its)
        except ValueError:
            raise FileRefused("The file's migrations are of no release of MiniRAG.") from None

    def _load_tables(self, tenant: Tenant) -> int:
        tables = tables_of(tenant.schema_name)
        streams = {
            s.name.removeprefix(SCHEMA): s
            for s in self.manifest.streams
            if s.name.startswith(SCHEMA)
        }
        if set(streams) != set(tables):
            raise FileRefused(
                "The file's tables are not those of its version.", code="tenant_file_foreign"
            )
        quote, rows = connection.ops.quote_name, 0
        names = ", ".join(f"{quote(tenant.schema_name)}.{quote(name)}" for name in tables)
        with connection.cursor() as cursor:  # what its migrations put there is in the file
            cursor.execute(f"TRUNCATE {names}")
        for number, (name, table) in enumerate(tables.items()):
            self.tell(number, len(tables), name)
            if name.startswith("webhooks_") and "webhooks" not in self.parts:
                continue
            rows += self._load_table(tenant, table, streams[name])
        self.tell(len(tables), len(tables), "")
        return rows

    def _load_table(self, tenant: Tenant, table: Table, stream: StreamInfo) -> int:
        if set(stream.columns) != set(table.columns) or len(stream.columns) != len(table.columns):
            raise FileRefused(
                f"The columns of {table.name} are not those of its version.",
                code="tenant_file_foreign",
            )
        quote = connection.ops.quote_name
        place = f"{quote(tenant.schema_name)}.{quote(table.name)}"
        columns = ", ".join(map(quote, stream.columns))
        lines = self.reader.lines(stream)
        if table.name == ADMIN_LOG:
            lines = _with_kinds(lines, stream.columns.index("content_type_id"), _kinds_here())
        with tenant_context(tenant), connection.cursor() as cursor:
            with cursor.copy(f"COPY {place} ({columns}) FROM STDIN") as copy:
                for line in lines:
                    copy.write(self._change(line))
            if cursor.rowcount != stream.rows:
                raise FileRefused(f"Not all rows of {table.name} could be read.")
            for column in table.counted:
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence(%s, %s), max({quote(column)})) FROM {place}"  # noqa: S608
                    f" HAVING max({quote(column)}) > 0", [place, column],
                )  # fmt: skip
            cursor.execute(f"ANALYZE {place}")
        return stream.rows

    def _change(self, line: bytes) -> bytes:
        return self.ids.apply(self.sealing.apply(line))

    def _rename(self, context: str) -> str:
        """The place of a secret, where it goes to."""
        old = f"{self.manifest.schema_name}/"
        if context.startswith(old):
            context = f"{self.schema_name}/{context.removeprefix(old)}"
        return self.ids.rename(context)

    def _restore_files(self) -> None:
        self.has_folder = True  # its schema was claimed, so nobody else writes there
        restore_files(self.reader, self.schema_name)

    def _remove_folder(self) -> None:
        if self.has_folder:
            remove_files(self.schema_name)


def _check_at_end(at_end: bool) -> None:
    """Have references checked once all rows are there: tables with checks to come cannot be altered."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS ALL {'DEFERRED' if at_end else 'IMMEDIATE'}")


def _taken(slug: str) -> Conflict:
    return Conflict(f"Slug '{slug}' is already taken; choose another one.", code="slug_taken")


def _kinds_here() -> dict[bytes, bytes]:
    """The numbers of kinds of rows, by name; asked for before a COPY, which has the connection to itself."""
    return {
        f"{app}.{model}".encode(): str(pk).encode()
        for pk, app, model in ContentType.objects.values_list("pk", "app_label", "model")
    }


def _with_kinds(lines: Iterator[bytes], at: int, kinds: dict[bytes, bytes]) -> Iterator[bytes]:
    for line in lines:
        cells = line[:-1].split(b"\t")
        if at >= len(cells):
            raise FileRefused("A row of the log cannot be read.")
        cells[at] = kinds.get(cells[at], rb"\N")
        yield b"\t".join(cells) + b"\n"


def _check_bots(tenant: Tenant) -> None:
    """The bots of the file are those that the directory leads here."""
    told = set(BotAddress.objects.filter(tenant=tenant).values_list("bot_profile_id", flat=True))
    with tenant_context(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bots_botprofile")
        if {row[0] for row in cursor.fetchall()} != told:
            raise FileRefused("The file's bots are not those of its directory.")
