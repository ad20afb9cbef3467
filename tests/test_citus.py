"""Tenants on a Citus cluster. Where CITUS_DATABASE_URL names a coordinator it is tried there, and everywhere by the SQL
that is sent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
import warnings

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import NotSupportedError, connection

from minirag.operations import places as looking
from minirag.operations.findings import FAIL, OK, WARN
from tenants.backend import distributing
from tenants.provisioning import erase_tenant, provision_tenant
from tests.product import CHECKOUT
from tests.servers import SECRETS

pytestmark = pytest.mark.django_db
COORDINATOR = os.environ.get("CITUS_DATABASE_URL", "")


class Recorder:
    """Lets a test's statements through but for those that only a Citus understands, and keeps all."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.undistributed: list[str] = []
        self.refused = ""

    def __call__(self, execute, sql, params, many, context):
        text = sql if isinstance(sql, str) else str(sql)
        if "citus_schema_distribute" in text:
            self.sent.append(f"distribute {params[0]}")
            if params[0] == f'"{self.refused}"':
                raise NotSupportedError("cannot distribute: a reference leads out of the schema")
            return execute("SELECT 1", [], many, context)
        if "citus_schemas" in text:
            names = ", ".join(f"('{name}')" for name in self.undistributed)
            return execute(
                f"SELECT * FROM (VALUES {names}) AS t" if names else "SELECT WHERE false",
                [],
                many,
                context,
            )
        if "citus_total_relation_size" in text:
            return execute(text.replace("citus_", "pg_"), params, many, context)
        self.sent.append(text)
        return execute(sql, params, many, context)

    def find(self, words: str) -> int:
        return next(number for number, text in enumerate(self.sent) if text.startswith(words))


@pytest.fixture
def citus(settings):
    settings.DATABASE_CITUS = True
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        yield recorder


def provision(slug: str):
    return provision_tenant(
        name=slug,
        slug=slug,
        owner_email=f"ida@{slug}.example.com",
        owner_password="correct horse battery",
    )


def test_a_new_tenant_s_schema_is_handed_to_citus_whole_and_last(citus):
    provision("initech")
    widened = citus.find('ALTER TABLE "t_initech"."django_admin_log" ALTER COLUMN "id" TYPE bigint')
    handed = citus.find('distribute "t_initech"')
    assert widened < handed
    assert not [
        text for text in citus.sent[handed:] if "CREATE TABLE" in text or "ALTER TABLE" in text
    ]
    with connection.cursor() as cursor:
        cursor.execute(distributing._IDENTITIES, ["t_initech"])
        assert cursor.fetchall() == []


def test_without_the_setting_nothing_is_asked_of_citus(settings):
    recorder = Recorder()
    with connection.execute_wrapper(recorder):
        provision("initech")
    assert not [text for text in recorder.sent if "citus" in text or "distribute" in text]


def test_migrate_hands_over_what_is_on_the_coordinator_still_and_does_nothing_the_second_time(
    citus, acme, capsys
):
    citus.undistributed = ["t_acme"]
    call_command("migrate", verbosity=1)
    assert (
        'distribute "t_acme"' in citus.sent
        and "1 schemas were handed to Citus" in capsys.readouterr().out
    )
    citus.sent.clear()
    citus.undistributed = []
    call_command("migrate", verbosity=0)
    assert not [text for text in citus.sent if text.startswith("distribute")]


def test_a_tenant_that_citus_refuses_is_named_and_keeps_no_other_back(citus, acme, globex, capsys):
    citus.undistributed, citus.refused = ["t_acme", "t_globex"], "t_acme"
    with pytest.raises(CommandError, match="1 schemas could not be handed to Citus: t_acme"):
        call_command("migrate", verbosity=1)
    said = capsys.readouterr().out
    assert "t_acme: NOT HANDED TO CITUS NotSupportedError: cannot distribute" in said
    assert 'distribute "t_globex"' in citus.sent and "1 schemas were handed to Citus" in said


def test_an_erased_tenant_is_measured_where_its_rows_are(citus):
    receipt = erase_tenant(provision("initech").tenant)
    assert receipt.receipt["schema"]["bytes"] > 0


@pytest.mark.parametrize(
    ("is_set", "cluster", "level", "words"),
    [
        (False, None, OK, "not used"),
        (True, None, FAIL, "extension is missing"),
        (False, distributing.Cluster("13.2-1", 2, ["t_acme"]), WARN, "DATABASE_CITUS is not set"),
        (True, distributing.Cluster("13.2-1", 2, ["t_acme"]), FAIL, "t_acme"),
        (True, distributing.Cluster("13.2-1", 0, []), WARN, "0 workers"),
        (True, distributing.Cluster("13.2-1", 2, []), OK, "every tenant is distributed"),
    ],
)
def test_doctor_says_where_tenants_are(settings, monkeypatch, is_set, cluster, level, words):
    settings.DATABASE_CITUS = is_set
    monkeypatch.setattr(looking, "read_cluster", lambda: cluster)
    finding = looking.check_citus()
    assert finding.state == level and words in finding.detail


def test_the_product_runs_on_a_citus_cluster():
    """Migrate, provision, move, erase on the cluster of CITUS_DATABASE_URL, in a database of its own there."""
    if not COORDINATOR:
        said = "NOT TRIED ON CITUS: set CITUS_DATABASE_URL to a coordinator with two workers, see docs/scale.md"
        warnings.warn(said, stacklevel=1)  # named below a quiet run, too
        pytest.skip(said)
    slug = f"citus-{uuid.uuid4().hex[:8]}"
    schema = f"t_{slug.replace('-', '_')}"

    def manage(*words: str) -> None:
        told = {"DATABASE_URL": COORDINATOR, "DATABASE_CITUS": "True", **SECRETS}
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=CHECKOUT,
            env={**os.environ, **told},
            check=True,
        )

    manage("migrate", "--verbosity", "1")
    manage(
        "provision_tenant",
        slug,
        "--email",
        "ida@example.com",
        "--password",
        "correct horse battery",
    )
    with psycopg.connect(COORDINATOR, autocommit=True) as coordinator:
        place = (
            "SELECT DISTINCT nodename, nodeport FROM citus_shards WHERE table_name::text LIKE %s"
        )
        before = coordinator.execute(place, [f"{schema}.%"]).fetchall()
        assert len(before) == 1
        others = coordinator.execute(
            "SELECT node_name, node_port FROM citus_get_active_worker_nodes()"
        ).fetchall()
        other = next(node for node in others if node != before[0])
        coordinator.execute("SELECT citus_schema_move(%s::regnamespace, %s, %s)", [schema, *other])
        assert coordinator.execute(place, [f"{schema}.%"]).fetchall() == [other]
    manage("doctor")
    manage("archive_tenant", slug)
    manage("erase_tenant", slug, "--confirm", slug)
