"""The words of a line of the audit log, as PostgreSQL's text search has them: what `q` looks for, by an index."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import Func

_PARTS: Final = "@._-/:,;()[]{}\"'\\"
"""What stands between words, in a line as in what is asked: `alice@acme` is two of them."""
_SPACES: Final = " " * len(_PARTS)
_QUOTED: Final = _PARTS.replace("'", "''")


class Words(Func):
    """Of an act, an actor, a request's id and the detail, in this order."""

    arity = 4
    output_field: Any = SearchVectorField()

    def as_sql(self, compiler: Any, connection: Any, *_args: Any, **_context: Any) -> Any:
        compiled = [compiler.compile(each) for each in self.get_source_expressions()]
        action, actor, request_id, detail = (sql for sql, _params in compiled)
        line = f"{action} || ' ' || {actor} || ' ' || {request_id} || ' ' || {detail}::text"
        sql = f"to_tsvector('simple'::regconfig, translate({line}, '{_QUOTED}', '{_SPACES}'))"
        return sql, [each for _sql, params in compiled for each in params]


def asked_as(text: str) -> SearchQuery:
    """All words of a text, each of which may go on: `alice acme` finds `alice@acme.example.com`'s lines."""
    words = text.translate(str.maketrans(_PARTS, _SPACES)).split()
    return SearchQuery(
        " & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw"
    )
