"""Migrations of one schema after the other, without what Django's command does around them each time.

Most of a migration's work is to read the files, to plan, and to make the models as they were before and after each of
its steps. All that is the same for all tenants who are at the same point, and is done once for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration
from django.db.migrations.operations import RenameModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from tenants.context import Schema, tenant_context

_Names = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class _Step:
    """One operation, with the models as they are before and after it."""

    operation: Operation
    before: ProjectState
    after: ProjectState


@dataclass(frozen=True)
class _Way:
    """What has still to be done from one point on, in order; `executor` records it."""

    executor: MigrationExecutor
    migrations: tuple[tuple[Migration, tuple[_Step, ...]], ...]

    def take(self, migration: Migration, steps: tuple[_Step, ...]) -> None:
        """Run one of them in the schema in force. The caller holds the transaction."""
        # Not atomic: a savepoint of its own would be two messages more, and all goes back together anyway.
        with connection.schema_editor(atomic=False) as editor:
            for step in steps:
                step.operation.database_forwards(
                    migration.app_label, editor, step.before, step.after
                )
        for name in migration.replaces or [(migration.app_label, migration.name)]:
            self.executor.recorder.record_applied(*name)

    def is_for_djangos_command(self) -> bool:
        """Whether it refuses the history, or its signals do a part: content types are renamed with their models.

        Raises InconsistentMigrationHistory as it does.
        """
        loader = self.executor.loader
        loader.check_consistent_history(connection)
        operations = [each for migration, _ in self.migrations for each in migration.operations]
        return bool(loader.detect_conflicts()) or any(
            isinstance(each, RenameModel) for each in operations
        )


class Migrations:
    """Runs migrations in one schema after the other. Of one thread, which throws it away when it is done.

    A step changes its models while it runs and puts them right afterwards, so no two threads may share them.
    """

    def __init__(self) -> None:
        self._ways: dict[tuple[_Names, _Names], _Way] = {}

    def run(self, schema_name: str, targets: Iterable[tuple[str, str]] = ()) -> None:
        """Run the migrations up to each target (app, name) in a schema, which is made where it is missing; without
        targets all of them.

        The caller holds the transaction.
        """
        key = _open_ledger(schema_name), frozenset(targets)
        with tenant_context(Schema(schema_name)):
            way = self._find_way(*key)
            for each in way.migrations:
                way.take(*each)
            if way.executor.loader.replacements:
                MigrationExecutor(connection).check_replacements()

    def run_in_public(self, tell: Callable[[str, Migration], None]) -> int:
        """Run what is left to do in the public schema, each migration in a transaction of its own; returns how many.

        `tell` hears of each, as Django's executor tells it: "apply_start", "apply_success". Django's command, which
        comes after it, finds nothing left to do: it would make the same models once more, half of what `migrate` takes.
        What only it knows how to do or to refuse is left to it: a history that contradicts itself, a renamed model.
        """
        with tenant_context(None):
            connection.prepare_database()
            recorder = MigrationRecorder(connection)
            recorder.ensure_schema()
            way = self._find_way(frozenset(recorder.applied_migrations()), frozenset())
            if way.is_for_djangos_command():
                return 0
            for migration, steps in way.migrations:
                tell("apply_start", migration)
                with transaction.atomic():
                    way.take(migration, steps)
                tell("apply_success", migration)
            return len(way.migrations)

    def _find_way(self, applied: _Names, targets: _Names) -> _Way:
        if (applied, targets) not in self._ways:
            self._ways[applied, targets] = _plan_way(sorted(targets))
        return self._ways[applied, targets]


def _open_ledger(schema_name: str) -> _Names:
    """Make the schema and its own ledger where they are missing, or Django would find that of the public schema, and
    read what has been applied.
    """
    quoted = connection.ops.quote_name(schema_name)
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE SCHEMA IF NOT EXISTS {quoted};"  # noqa: S608 - ours
            f"CREATE TABLE IF NOT EXISTS {quoted}.django_migrations"
            " (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, app varchar(255) NOT NULL,"
            " name varchar(255) NOT NULL, applied timestamptz NOT NULL);"
            f"SELECT app, name FROM {quoted}.django_migrations"
        )
        while cursor.nextset():
            pass  # the last result is the one with rows
        return frozenset(cursor.fetchall())


def _plan_way(targets: list[tuple[str, str]]) -> _Way:
    """Plan from what the schema in force has applied, and make the models of each step."""
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    plan = {migration for migration, _ in executor.migration_plan(targets or graph.leaf_nodes())}
    if not plan:
        return _Way(executor, ())
    state = ProjectState(real_apps=executor.loader.unmigrated_apps)
    way: list[tuple[Migration, tuple[_Step, ...]]] = []
    for migration, _ in executor.migration_plan(graph.leaf_nodes(), clean_start=True):
        if migration in plan:
            steps = tuple(_list_steps(migration, state))
            state = steps[-1].after if steps else state
            way.append((migration, steps))
        elif (migration.app_label, migration.name) in executor.loader.applied_migrations:
            state = migration.mutate_state(state, preserve=bool(way))  # the last step keeps its own
    return _Way(executor, tuple(way))


def _list_steps(migration: Migration, state: ProjectState) -> Iterable[_Step]:
    for operation in migration.operations:
        _rendered = (
            state.apps
        )  # made when it is first asked for; copies share what they do not change
        after = state.clone()
        operation.state_forwards(migration.app_label, after)
        yield _Step(operation, state, after)
        state = after
