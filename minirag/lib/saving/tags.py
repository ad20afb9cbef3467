"""That nobody overwrites what somebody else has changed since they looked.

What a view shows that takes a PATCH, or else a PUT, carries an `ETag` of what can be changed, not of what the
product itself keeps on the row, such as how far an ingestion is. A write that sends it back as `If-Match` is done
only if they are still the same; without the header it is done as ever. Pages of the admin hold a row by the same
name, so that a look and the write that follows are one step for all of them (tenants.admin_site.meanwhile).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import cache
from hashlib import sha256
from typing import Any

from django.db import connection
from pydantic import BaseModel
from pydantic_core import to_json

from minirag.lib.errors import Conflict

_TAG = re.compile(r'"([^"]*)"')


class ChangedMeanwhile(Conflict):
    """It is not what the caller has seen any more."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__(
            "It was changed since you read it. Read it again, and send its new ETag with your change."
        )


def is_tagged(view: Any) -> bool:
    """Whether what a view shows carries an `ETag`: what it both shows as one thing and lets be changed."""
    return bool(_tagged_fields(view)) or (hasattr(view, "tag_parts") and hasattr(view, "put"))


@cache
def _tagged_fields(view: Hashable) -> tuple[str, ...]:
    shown, patched, put = (
        getattr(getattr(view, method, None), "operations", {}).get(method.upper())
        for method in ("get", "patch", "put")
    )
    kind: Any = shown.answers.get(200) if shown is not None else None
    changed = patched or put
    if changed is None or changed.body is None or not hasattr(kind, "model_fields"):
        return ()
    fields = kind.model_fields.keys() & changed.body.model_fields.keys()
    return tuple(sorted(fields or (kind.model_fields.keys() if patched is None else ())))


def make_tag(view: Any, shown: Any) -> str:
    """The `ETag` of what a view shows of a row; empty where it has none.

    It is of the fields that a PATCH or PUT changes, as they are shown, of all where that names them otherwise;
    a view with `tag_parts` says itself what it is of.
    """
    own = getattr(view, "tag_parts", None)
    fields = _tagged_fields(view.__class__)
    if own is None and not (fields and isinstance(shown, BaseModel)):
        return ""
    parts = {name: getattr(shown, name, None) for name in fields} if own is None else own(shown)
    return f'"{sha256(to_json(parts)).hexdigest()[:20]}"'


def require_match(wanted: str, tag: str) -> None:
    """Raise ChangedMeanwhile where `If-Match` names other tags than this."""
    if tag.strip('"') not in _TAG.findall(wanted):
        raise ChangedMeanwhile


def hold_row(row_id: Any) -> None:
    """Have nobody else save this row of the tenant in the same way, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 0))",
            [f".saving {row_id}"],
        )
