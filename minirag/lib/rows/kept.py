"""Plans that PostgreSQL keeps: planning a fixed query takes three to six times as long as running it in a small tenant.

What is asked again in one schema on one connection, before many others were, is given a name there (`PREPARE`); from
then on only the name and the values are sent. The tenant's path and its proof go before them as ever, and PostgreSQL
plans anew where another path is in force than a plan was made for. It is done outside of transactions only, and where
no pooler lends the connection to others (`DatabaseWrapper.keeps_plans`). A connection that does not know a name,
whatever the reason, keeps no plans any more, and the statement is sent whole.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import DatabaseError
from psycopg.errors import DuplicatePreparedStatement, FeatureNotSupported, InvalidSqlStatementName

# Otherwise the first five calls of each would be planned with their values.
_ANY_VALUES = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)"
_REFUSALS = (InvalidSqlStatementName, DuplicatePreparedStatement, FeatureNotSupported)


class Keepable(NamedTuple):
    """A statement with its values, and as it is named: the types of its values, and `$1` where the first goes.

    `named` is empty for what is never kept.
    """

    sql: str
    parameters: tuple[Any, ...]
    types: str = ""
    named: str = ""
    values: tuple[Any, ...] = ()


def send(database: Any, cursor: Any, statements: Sequence[Keepable]) -> None:
    """Send them in one message; the cursor stands at the first one's rows."""
    plans = _Plans.of(database)
    whole = "; ".join(each.sql for each in statements)
    if plans is not None and (message := plans.write(database, statements)):
        text, leading = message
        cursor.cursor.told_as = whole
        try:
            cursor.execute(text)
        except DatabaseError as error:
            plans.end()  # whatever it was, what of the message had been done is not known
            if not isinstance(error.__cause__, _REFUSALS):
                raise
        else:
            for _ in range(leading):
                cursor.nextset()
            return
    cursor.execute(whole, sum((each.parameters for each in statements), ()))


class _Plans:
    """Those of one connection, the least lately asked first."""

    def __init__(self) -> None:
        self._named: OrderedDict[str, None] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.is_over = False

    @classmethod
    def of(cls, database: Any) -> Self | None:
        """The open connection's; None where it keeps none, or is in a transaction."""
        if _is_in_transaction(database) or not database.keeps_plans:
            return None
        connection = database.connection
        if not hasattr(connection, "plans"):
            connection.plans = cls()
        plans: Self = connection.plans
        return None if plans.is_over else plans

    def end(self) -> None:
        self.is_over = True

    def write(self, database: Any, statements: Sequence[Keepable]) -> tuple[str, int] | None:
        """The message, and how many results go before those of the statements; None where none of them is kept."""
        called, values, kept = list[str](), list[Any](), dict[str, Keepable]()
        for each in statements:
            name = _name(database.schema_name, each.types, each.named) if each.named else ""
            if name and self._is_wanted(name):
                kept[name] = each
                called.append(f"EXECUTE {name}{_marks(len(each.values))}")
                values += each.values
            else:
                called.append(each.sql)
                values += each.parameters
        if not kept:
            return None
        # Before anything counts as named: a value may be one that cannot be sent.
        with database.wrap_database_errors:
            written = database.connection.writer.mogrify("; ".join(called), values)
        leading = [_ANY_VALUES]
        for name, each in kept.items():
            leading += self._give(name, each)
        return "; ".join((*leading, written)), len(leading)

    def _is_wanted(self, name: str) -> bool:
        """Whether it has been given, or shall be: what is asked again."""
        if name in self._named or name in self._seen:
            return True
        self._seen[name] = None
        if len(self._seen) > settings.DATABASE_KEPT_PLANS:
            self._seen.popitem(last=False)
        return False

    def _give(self, name: str, each: Keepable) -> list[str]:
        """What has to be sent before it can be called by its name."""
        if name in self._named:
            self._named.move_to_end(name)
            return []
        leading = []
        if len(self._named) >= settings.DATABASE_KEPT_PLANS:
            oldest, _ = self._named.popitem(last=False)
            leading.append(f"DEALLOCATE {oldest}")
        self._named[name] = None
        return [*leading, f"PREPARE {name}{each.types} AS {each.named}"]


def _is_in_transaction(database: Any) -> bool:
    """There a name that is not known would end more than its own message."""
    return bool(database.in_atomic_block)


@cache
def _marks(count: int) -> str:
    return f" ({', '.join(['%s'] * count)})" if count else ""


@lru_cache(maxsize=4096)
def _name(schema: str, types: str, named: str) -> str:
    """Another one in each schema, so that its plan stays; the same in all processes."""
    return "kept_" + blake2b(f"{schema}\n{types}\n{named}".encode(), digest_size=12).hexdigest()
