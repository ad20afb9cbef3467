"""A tenant in one file: out, in again, copied; and files that somebody has bent."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from bots.models import BotProfile
from knowledge.models import ANYONE
from knowledge.retrieval.retrieving import retrieve
from minirag.lib.errors import ProductError
from tenants.context import tenant_context
from tenants.models import ApiToken, AuditEvent, BotAddress, Domain, Tenant, User
from tenants.moving.archive import FileRefused
from tenants.moving.cloning import clone_tenant
from tenants.moving.exporting import export_tenant
from tenants.moving.importing import ALL, TRUSTED_HOSTS, import_tenant
from tenants.moving.layout import PUBLIC_KINDS, STAYS, tables_of
from tenants.provisioning import erase_tenant
from tests.fakes.chat_model import FakeChatModel
from tests.isolation_checks import Scene
from tests.isolation_scene import API_KEY, make_scene

PASSPHRASE = "a long passphrase"


@pytest.fixture(scope="module")
def _made_scene(_parties, django_db_setup, django_db_blocker) -> Iterator[Scene]:
    """The scene in a transaction around all tests of this file; each rolls back what it did inside of it."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        fake = FakeChatModel().take_over(patch)
        yield make_scene(deepcopy(_parties["acme"]), deepcopy(_parties["globex"]), fake)
        transaction.set_rollback(True)


@pytest.fixture
def scene(_made_scene, db, settings, tmp_path) -> Scene:
    settings.MEDIA_ROOT = tmp_path / "files"
    made = deepcopy(_made_scene)
    folder = settings.MEDIA_ROOT / made.acme.party.tenant.schema_name / "logos"
    folder.mkdir(parents=True)
    (folder / "logo.png").write_bytes(b"\x89PNG\n\x00\xff")
    return made


def digest(tenant: Tenant) -> dict[str, Any]:
    """A checksum of every table of a tenant's schema, and of its public rows that travel."""
    found = {}
    with connection.cursor() as cursor:
        for name in tables_of(tenant.schema_name):
            shown = "t::text"
            if name == "knowledge_source" or name.startswith(
                ("bots_botprofile", "bots_provider", "webhooks_webhook")
            ):
                # What is sealed is another text each time; that it opens is tested apart.
                shown = r"regexp_replace(t::text, 'v1:gAAAA[A-Za-z0-9_\-]+=*', '', 'g')"
            cursor.execute(
                f"SELECT count(*), md5(string_agg({shown}, chr(10) ORDER BY {shown}))"
                f' FROM "{tenant.schema_name}"."{name}" t'
                + (
                    " WHERE user_id IN (SELECT id FROM tenants_user WHERE tenant_id = %s)"
                    if name == "django_admin_log"
                    else ""
                ),
                [tenant.pk] if name == "django_admin_log" else [],
            )
            found[name] = cursor.fetchone()
        for kind in PUBLIC_KINDS:
            columns = ", ".join(
                f'"{column}"'
                for column in kind.columns
                if column not in ("encrypted_key", "encrypted_secret")
            )
            if kind.option == "log":
                continue
            cursor.execute(
                f"SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM"
                f" (SELECT {columns} FROM {kind.name} WHERE {kind.rows}) t",
                {"id": tenant.pk},
            )
            found[kind.name] = cursor.fetchone()
    return found


def write(tenant: Tenant, passphrase: str | None = PASSPHRASE) -> io.BytesIO:
    file = io.BytesIO()
    export_tenant(tenant, file, passphrase=passphrase)
    file.seek(0)
    return file


def erase(tenant: Tenant) -> None:
    """In the test's transaction, where references may wait to be checked."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    erase_tenant(tenant)


def search(tenant: Tenant, bot: str) -> list[tuple[Any, float]]:
    with tenant_context(tenant):
        found = async_to_sync(retrieve)(
            BotProfile.objects.get(pk=bot), "When do you open?", audience=ANYONE
        )
    return [(passage.chunk_id, round(passage.score, 6)) for passage in found.passages]


def test_a_tenant_comes_back_from_its_file_as_it_was_and_the_other_is_untouched(scene, settings):
    for rows, other in ((scene.acme, scene.globex), (scene.globex, scene.acme)):
        tenant, bot = rows.party.tenant, rows.bot
        before, others = digest(tenant), digest(other.party.tenant)
        answered, file = search(tenant, bot), write(tenant)
        assert digest(tenant) == before, "an export changes nothing"
        erase(tenant)
        assert not (settings.MEDIA_ROOT / tenant.schema_name).exists()
        taken = import_tenant(file, passphrase=PASSPHRASE, parts=ALL | {TRUSTED_HOSTS})
        assert taken.tenant.pk == tenant.pk
        assert [note[:24] for note in taken.notes] == ["The audit log was left o"]
        assert digest(taken.tenant) == before
        assert digest(other.party.tenant) == others
        assert search(taken.tenant, bot) == answered
        with tenant_context(taken.tenant):
            assert {
                each.credentials.api_key
                for each in apps.get_model("bots", "ProviderCredential").objects.all()
            } >= ({API_KEY} if rows is scene.acme else set())
    logo = settings.MEDIA_ROOT / scene.acme.party.tenant.schema_name / "logos" / "logo.png"
    assert logo.read_bytes() == b"\x89PNG\n\x00\xff"


def test_a_copy_stands_beside_its_original_with_ids_of_its_own(scene):
    original = scene.acme.party.tenant
    before, others = digest(original), digest(scene.globex.party.tenant)
    taken = clone_tenant(original, "acme-two", name="Acme Two")
    copy = taken.tenant
    assert (copy.slug, str(copy), copy.pk != original.pk) == ("acme-two", "Acme Two", True)
    assert digest(original) == before
    assert digest(scene.globex.party.tenant) == others
    for name, (count, _) in digest(copy).items():
        mine = (
            0
            if name.startswith("webhooks_") or name in ("tenants_domain", "tenants_apitoken")
            else before[name][0]
        )
        assert count == mine, name
    mine, theirs = (
        set(BotAddress.objects.filter(tenant=each).values_list("pk", flat=True))
        for each in (original, copy)
    )
    assert len(mine) == len(theirs) and not mine & theirs
    with tenant_context(copy):
        assert set(BotProfile.objects.values_list("pk", flat=True)) == theirs
        handoffs = apps.get_model("conversations", "Handoff").objects
        assert handoffs.exists() and not handoffs.open().exists(), "nobody is written to twice"
        assert any(
            bot.credentials.api_key for bot in BotProfile.objects.all() if bot.encrypted_credentials
        )
    assert AuditEvent.objects.filter(action="tenant.cloned", tenant_slug="acme-two").exists()
    assert not ApiToken.objects.filter(tenant=copy).exists()


def test_without_a_passphrase_no_secret_is_in_the_file(scene):
    tenant, text = scene.acme.party.tenant, "It begins with v1:gAAAAexample in our notes."
    with tenant_context(tenant):
        source = apps.get_model("knowledge", "Source").objects.filter(source_type="text").first()
        apps.get_model("knowledge", "Source").objects.filter(pk=source.pk).update(content=text)
    file = write(tenant, None)
    sealed = re.compile(rb"v1:gAAAA(?!example)")
    with zipfile.ZipFile(file) as held:
        assert not any(sealed.search(held.read(name)) for name in held.namelist())
    erase(tenant)
    taken = import_tenant(file)
    assert any("Secrets were left out" in note for note in taken.notes)
    with tenant_context(taken.tenant):
        kept = apps.get_model("knowledge", "Source").objects.get(pk=source.pk)
        assert kept.content == text, "what only looks like a secret is none"
    assert not User.objects.filter(tenant=taken.tenant, has_second_factor=True).exists()
    with tenant_context(taken.tenant):
        assert all(
            each.credentials.api_key == ""
            for each in apps.get_model("bots", "ProviderCredential").objects.all()
        )


def bend(file: io.BytesIO, change: Any) -> io.BytesIO:
    """The same zip with its entries, among them the manifest, changed by `change(entries)`."""
    with zipfile.ZipFile(file) as held:
        entries = {name: held.read(name) for name in held.namelist()}
    manifest = json.loads(entries.pop("manifest.json"))
    if change:
        change(entries, manifest)
    bent = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if change else zipfile.ZIP_LZMA
    with zipfile.ZipFile(bent, "w", packing) as target:
        for name, data in entries.items():
            target.writestr(name, data)
        target.writestr("manifest.json", json.dumps(manifest))
    bent.seek(0)
    return bent


def rename_stream(old: str, new: str) -> Any:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        entries[new] = entries.pop(old)
        next(each for each in manifest["streams"] if each["name"] == old)["name"] = new

    return change


def set_fact(**facts: Any) -> Any:
    return lambda entries, manifest: manifest.update(facts)


def rewrite(name: str, data: bytes, honest: bool = True) -> Any:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        entries[name] = data
        stream = next(each for each in manifest["streams"] if each["name"] == name)
        if honest:
            stream |= {
                "size": len(data),
                "rows": data.count(b"\n"),
                "sha256": hashlib.sha256(data).hexdigest(),
            }

    return change


def column(name: str) -> Any:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        stream = next(each for each in manifest["streams"] if each["name"] == "schema/bots_scope")
        stream["columns"][0] = name

    return change


def strange_user(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    gina = User.objects.get(email="gina@globex.example.com")
    name = "public/tenants_apitoken"
    stream = next(each for each in manifest["streams"] if each["name"] == name)
    lines = entries[name].splitlines()
    cells = lines[0].split(b"\t")
    cells[stream["columns"].index("user_id")] = str(gina.pk).encode()
    rewrite(name, b"\n".join([b"\t".join(cells), *lines[1:]]) + b"\n")(entries, manifest)


def cell(name: str, column: str, value: bytes) -> Any:
    """Another value in a column of every row of a stream."""

    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        stream = next(each for each in manifest["streams"] if each["name"] == name)
        rows = [line.split(b"\t") for line in entries[name].splitlines()]
        assert rows, name
        for cells in rows:
            cells[stream["columns"].index(column)] = value
        rewrite(name, b"".join(b"\t".join(cells) + b"\n" for cells in rows))(entries, manifest)

    return change


def without_column(name: str, *columns: str) -> Any:
    def change(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        stream = next(each for each in manifest["streams"] if each["name"] == name)
        kept = [at for at, column in enumerate(stream["columns"]) if column not in columns]
        rows = [line.split(b"\t") for line in entries[name].splitlines()]
        stream["columns"] = [stream["columns"][at] for at in kept]
        data = b"".join(b"\t".join(cells[at] for at in kept) + b"\n" for cells in rows)
        rewrite(name, data)(entries, manifest)

    return change


def file_below_a_file(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
    name = "files/logos/logo.png/below"
    entries[name] = b"x"
    manifest["streams"].append({"name": name, "columns": [], "rows": 0})
    rewrite(name, b"x")(entries, manifest)
    manifest["streams"][-1]["rows"] = 0


FOREIGN = "tenant_file_foreign"
INVALID = "tenant_file_invalid"
BENT = {
    "another table": (rename_stream("schema/bots_scope", "schema/pg_authid"), FOREIGN),
    "another tenant's schema": (rename_stream("schema/bots_scope", "schema/t_globex.bots_scope"), FOREIGN),
    "SQL for a name": (rename_stream("schema/bots_scope", 'schema/x"; DROP SCHEMA public; --'), FOREIGN),
    "a public table as its own": (rename_stream("public/tenants_user", "public/tenants_operatortoken"), FOREIGN),
    "a path upwards": (rename_stream("files/logos/logo.png", "files/../t_globex/logo.png"), FOREIGN),
    "an absolute path": (rename_stream("files/logos/logo.png", "files//etc/passwd"), FOREIGN),
    "SQL for a column": (column('id") FROM PROGRAM \'id\' --'), FOREIGN),
    "a row too few": (rewrite("schema/bots_scope", b"", honest=False), INVALID),
    "other bytes": (rewrite("schema/bots_scope", b"x", honest=False), INVALID),
    "the end of COPY": (rewrite("schema/bots_scope", b"\\.\n"), INVALID),
    "another tenant's user": (strange_user, INVALID),
    "a newer version": (set_fact(migrations=[["bots", "9999_tomorrow"]]), "tenant_file_newer"),
    "half of its migrations": (set_fact(migrations=[["knowledge", "0009_vocabulary"]]), INVALID),
    "another format": (set_fact(format=2), INVALID),
    "the platform's own host": (cell("public/tenants_domain", "domain", b"localhost"), "host_taken"),
    "a host in another spelling": (cell("public/tenants_domain", "domain", b"Bots.Globex.Example.com"), INVALID),
    "an id that is none": (cell("public/tenants_user", "id", b"x"), INVALID),
    "a page for a logo": (cell("public/tenants_tenantlogo", "data", rb"\\x3c68746d6c3e"), INVALID),
    "a file below a file": (file_below_a_file, INVALID),
    "packed otherwise": (None, INVALID),
    "a time zone that is none": (lambda e, m: m["tenant"].update(time_zone="Mars/Base"), INVALID),
}  # fmt: skip


def test_what_is_bent_is_refused_and_leaves_nothing(scene, settings):
    tenant, globex = scene.acme.party.tenant, scene.globex.party.tenant
    whole = write(tenant)
    erase(tenant)
    others = digest(globex)
    files: dict[str, tuple[io.BytesIO, str]] = {
        name: (bend(whole, change), code) for name, (change, code) in BENT.items()
    }
    files["cut short"] = (
        io.BytesIO(whole.getvalue()[: len(whole.getvalue()) // 2]),
        "tenant_file_invalid",
    )
    for at in (1000, len(whole.getvalue()) - 30):  # in a stream, and in the list at the end
        flipped = bytearray(whole.getvalue())
        flipped[at : at + 8] = b"\xff" * 8
        files[f"flipped at {at}"] = (io.BytesIO(bytes(flipped)), INVALID)
    files["cut anywhere"] = (io.BytesIO(whole.getvalue()[:-9]), INVALID)
    files["no zip"] = (io.BytesIO(b"SELECT 1;"), "tenant_file_invalid")
    for name, (file, code) in files.items():
        with pytest.raises(ProductError) as refusal:
            import_tenant(file, passphrase=PASSPHRASE)
        assert refusal.value.code == code, (name, refusal.value.detail)
    for passphrase, code in (
        (None, "passphrase_missing"),
        ("not the passphrase", "passphrase_wrong"),
    ):
        with pytest.raises(ProductError) as refusal:
            import_tenant(whole, passphrase=passphrase)
        assert refusal.value.code == code
    assert not Tenant.objects.filter(slug="acme").exists()
    assert not User.objects.filter(email="alice@acme.example.com").exists()
    assert not (settings.MEDIA_ROOT / "t_acme").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 't_acme'")
        assert cursor.fetchone() == (0,)
    assert digest(globex) == others
    for slug, code in (("globex", "slug_taken"), ("Not A Slug", "slug_invalid")):
        with pytest.raises(ProductError) as refusal:
            import_tenant(whole, slug=slug, passphrase=PASSPHRASE)
        assert refusal.value.code == code


def test_a_host_or_token_that_is_taken_is_refused_and_can_be_left_out(scene):
    tenant = scene.acme.party.tenant
    file = write(tenant)
    trusted = {"hosts", "trusted_hosts", "tokens"}
    for parts, code in ((trusted, "host_taken"), ({"tokens"}, "tokens_taken")):
        with pytest.raises(ProductError) as refusal:
            import_tenant(file, slug="acme-two", passphrase=PASSPHRASE, parts=frozenset(parts))
        assert refusal.value.code == code
    taken = import_tenant(file, slug="acme-two", passphrase=PASSPHRASE, parts=frozenset())
    assert "The users have new ids here." in taken.notes
    assert not AuditEvent.objects.of_tenant(taken.tenant).filter(action="bot.created")
    taken = import_tenant(file, slug="acme-three", passphrase=PASSPHRASE, parts=frozenset({"log"}))
    assert AuditEvent.objects.of_tenant(taken.tenant).filter(action="bot.created")


def test_a_file_says_nothing_of_whether_its_hosts_are_proven(scene):
    tenant = scene.acme.party.tenant
    Domain.objects.filter(tenant=tenant).update(proof_seen_at=timezone.now())
    file = write(tenant)
    hosts = frozenset({"hosts"})
    taken = import_tenant(file, slug="acme-two", passphrase=PASSPHRASE, parts=hosts)
    (claim,) = Domain.objects.filter(tenant=taken.tenant)
    assert (claim.is_claim, claim.is_primary, claim.proof_seen_at) == (True, False, None)
    Domain.objects.filter(tenant=tenant).delete()
    trusted = hosts | {"trusted_hosts"}
    taken = import_tenant(file, slug="acme-three", passphrase=PASSPHRASE, parts=trusted)
    (led,) = Domain.objects.filter(tenant=taken.tenant)
    assert (led.is_claim, led.is_primary, led.proof_seen_at) == (False, True, None), "an operator"


def test_a_zip_that_unpacks_without_end_is_not_unpacked(scene):
    big = b"0" * (80 * 1024 * 1024)
    with pytest.raises(FileRefused, match="unpacks to more"):
        import_tenant(
            bend(write(scene.globex.party.tenant), rewrite("schema/bots_scope", big)), slug="new"
        )


def test_every_public_row_of_a_tenant_travels_or_is_said_not_to():
    known = {kind.model.__name__ for kind in PUBLIC_KINDS} | set(STAYS) | {"Tenant"}
    held = {
        model.__name__
        for model in apps.get_app_config("tenants").get_models()
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model in (Tenant, User)
    }
    assert held <= known


def test_a_file_of_an_earlier_version_is_migrated(scene, tmp_path):
    """Nothing waits for the newest migration of conversations, and of what it changed nothing is missed: it only takes
    references away.
    """
    file = write(scene.globex.party.tenant)

    def forget_newest(entries: dict[str, bytes], manifest: dict[str, Any]) -> None:
        manifest["migrations"] = [
            each for each in manifest["migrations"] if each != ["conversations", newest]
        ]

    migrations = Path(__file__).parent.parent / "conversations/migrations"
    newest = max(path.stem for path in migrations.glob("0*.py"))
    taken = import_tenant(
        bend(file, forget_newest), slug="older", passphrase=PASSPHRASE, parts=frozenset()
    )
    assert "The file was of an earlier version and was migrated." in taken.notes
    with tenant_context(taken.tenant):
        assert BotProfile.objects.exists()


def test_rows_that_do_not_say_whose_they_are_are_the_tenants(scene, olga):
    tenant = scene.globex.party.tenant
    platforms = AuditEvent.objects.filter(tenant_slug="").count()
    operators = User.objects.filter(tenant=None).count()
    file = write(tenant)
    for name, columns in (
        ("public/tenants_auditevent", ("tenant_slug",)),
        ("public/tenants_user", ("tenant_id", "is_superuser")),
    ):
        file = bend(file, without_column(name, *columns))
    taken = import_tenant(file, slug="new", passphrase=PASSPHRASE, parts=frozenset({"log"}))
    assert AuditEvent.objects.filter(tenant_slug="").count() == platforms
    assert User.objects.filter(tenant=None).count() == operators
    assert User.objects.filter(tenant=taken.tenant, is_superuser=False).exists()
