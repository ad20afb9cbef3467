"""All that the catalogue says of a schema, so that two can be compared."""

from __future__ import annotations

import re

from django.db import connection

from tenants.context import tenant_context

# Numbers that the catalogue gives away, what it counts, and what a table remembers of columns that it no longer has.
_NUMBERS = (
    "oid", "relnamespace", "reltype", "relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen",
    "reltoastrelid", "relfrozenxid", "relminmxid", "relnatts", "relhastriggers",
    "attrelid", "attnum", "attmissingval", "atthasmissing",
    "connamespace", "conrelid", "conindid", "confrelid", "conkey", "confkey", "conbin",
    "indexrelid", "indrelid", "indkey", "indexprs", "indpred", "indcheckxmin",
    "seqrelid", "tgrelid", "tgconstrrelid", "tgconstrindid", "tgconstraint", "tgattr",
    "typnamespace", "typrelid", "typarray", "typelem", "nspname",
)  # fmt: skip
_FACTS = """
WITH own AS (SELECT * FROM pg_class WHERE relnamespace = to_regnamespace(%(place)s))
SELECT relname, to_jsonb(own) || jsonb_build_object(
         'toast', reltoastrelid <> 0, 'said', obj_description(oid, 'pg_class'))
  FROM own
UNION ALL
SELECT relname, to_jsonb(a) || jsonb_build_object(
         'type', format_type(atttypid, atttypmod), 'default', pg_get_expr(adbin, adrelid),
         'place', row_number() OVER (PARTITION BY attrelid ORDER BY attnum), 'said', col_description(attrelid, attnum))
  FROM own JOIN pg_attribute a ON attrelid = own.oid AND attnum > 0 AND NOT attisdropped
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
SELECT relname, to_jsonb(k) || jsonb_build_object('text', pg_get_constraintdef(k.oid))
  FROM own JOIN pg_constraint k ON conrelid = own.oid
UNION ALL
SELECT relname, to_jsonb(i) || jsonb_build_object('text', pg_get_indexdef(indexrelid))
  FROM own JOIN pg_index i ON indexrelid = own.oid
UNION ALL
SELECT relname, to_jsonb(s) || jsonb_build_object('of', refobjid::regclass::text, 'how', deptype)
  FROM own JOIN pg_sequence s ON seqrelid = own.oid
  LEFT JOIN pg_depend ON classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND objid = own.oid
UNION ALL
SELECT relname, (to_jsonb(t) || jsonb_build_object('of', conname))
         - CASE WHEN tgisinternal THEN 'tgname' ELSE '' END  -- which has its number in it
  FROM own JOIN pg_trigger t ON tgrelid = own.oid LEFT JOIN pg_constraint k ON k.oid = tgconstraint
UNION ALL
SELECT typname, to_jsonb(y) FROM pg_type y WHERE typnamespace = to_regnamespace(%(place)s)
UNION ALL
SELECT proname, to_jsonb(pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = to_regnamespace(%(place)s)
UNION ALL
SELECT '', to_jsonb(n) FROM pg_namespace n WHERE n.oid = to_regnamespace(%(place)s)
"""


def read_facts(schema_name: str) -> list[tuple[str, str]]:
    """What is in a schema: names with all that the catalogue has of each, the schema's own name taken out."""
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT name, fact - %(numbers)s::text[] FROM ({_FACTS}) AS f (name, fact)",  # noqa: S608 - ours
            {"place": connection.ops.quote_name(schema_name), "numbers": list(_NUMBERS)},
        )
        found = cursor.fetchall()
    own = re.compile(rf"\b{re.escape(schema_name)}\b")
    return sorted((name, own.sub("S", fact)) for name, fact in found)
