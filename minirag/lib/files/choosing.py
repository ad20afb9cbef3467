"""Which place the installation's files are kept in."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from minirag.lib.files.bucket import BucketFiles
from minirag.lib.files.disk import DiskFiles
from minirag.lib.files.keeping import KeptFiles


def kept_files() -> KeptFiles:
    """The bucket that FILES_BUCKET names, else MEDIA_ROOT. Raises FilesFailed where that is no address."""
    if settings.FILES_BUCKET:
        return BucketFiles(settings.FILES_BUCKET)
    return DiskFiles(Path(settings.MEDIA_ROOT))
