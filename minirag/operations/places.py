"""Whether what lies elsewhere is in order: tenants on a cluster, files on the disk or in buckets, and room for them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import DatabaseError

from minirag.lib.files.bucket import BucketFiles, is_bucket
from minirag.lib.files.choosing import kept_files
from minirag.lib.files.keeping import FilesFailed
from minirag.lib.telling.kept_sentences import kept
from minirag.operations.findings import FAIL, OK, WARN, Finding
from tenants.backend.distributing import read_cluster

_FREE_MB_NEEDED, _FREE_MB_COMFORTABLE = 200, 2_000
_REMEDY: Final = kept("Fix its owner or set MEDIA_ROOT.")
_REMEDY_OF_BUCKET: Final = kept("Correct FILES_BUCKET, BACKUP_FOLDER or the S3_ settings.")


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


def check_files() -> Finding:
    """Writes, reads and removes a small file in each bucket that is set."""
    remedy = _REMEDY_OF_BUCKET if settings.FILES_BUCKET else _REMEDY
    try:
        place = kept_files().check()
        if is_bucket(settings.BACKUP_FOLDER):
            remedy = _REMEDY_OF_BUCKET
            place = f"{place}, {BucketFiles(settings.BACKUP_FOLDER).check()}"
    except FilesFailed as error:
        return Finding("files", FAIL, error.detail, remedy)
    return Finding("files", OK, f"{place} can be written")


def check_disk() -> Finding:
    directory = _nearest_existing(settings.DATA_DIR)
    free = shutil.disk_usage(directory).free // 2**20
    detail = kept(f"{free} MB free at {directory}")
    if free < _FREE_MB_NEEDED:
        return Finding(
            "disk", FAIL, detail, "Free some space, uploads and the database stop otherwise."
        )
    if free < _FREE_MB_COMFORTABLE:
        return Finding("disk", WARN, detail, "Free some space soon.")
    return Finding("disk", OK, detail)


def _nearest_existing(directory: Path) -> Path:
    while not directory.exists():
        directory = directory.parent
    return directory
