"""Whether tenants are where DATABASE_CITUS wants them."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError

from minirag.operations.findings import FAIL, OK, WARN, Finding
from tenants.backend.distributing import read_cluster


def check_citus() -> Finding:
    try:
        cluster = read_cluster()
    except DatabaseError as error:
        return Finding(
            "citus",
            FAIL,
            (str(error).strip().splitlines() or ["no answer"])[0],
            "See database, and docs/scale.md.",
        )
    if cluster is None:
        if settings.DATABASE_CITUS:
            remedy = "CREATE EXTENSION citus; on each node, or set DATABASE_CITUS=False."
            return Finding(
                "citus", FAIL, "DATABASE_CITUS is set and the extension is missing", remedy
            )
        return Finding("citus", OK, "not used, all tenants are on this server")
    shown = f"{cluster.version}, {cluster.workers} workers"
    if not settings.DATABASE_CITUS:
        remedy = "Set DATABASE_CITUS=True, or tenants stay on the coordinator."
        return Finding("citus", WARN, f"{shown}, and DATABASE_CITUS is not set", remedy)
    if cluster.undistributed:
        detail = f"{shown}; on the coordinator still: {', '.join(cluster.undistributed[:3])}"
        return Finding("citus", FAIL, detail, "Run manage.py migrate.")
    if not cluster.workers:
        return Finding("citus", WARN, shown, "Add workers with citus_add_node, see docs/scale.md.")
    return Finding("citus", OK, f"{shown}, every tenant is distributed")
