"""What kinds of sources there are, and what becomes of one."""

from __future__ import annotations

from django.db import models


class SourceType(models.TextChoices):
    TEXT = "text", "Text"
    UPLOAD = "upload", "Upload"
    URL = "url", "URL"
    SITE = "site", "Site"
    NYXCORE = "nyxcore", "nyxCore"


class SourceStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    READY = "ready", "Ready"
    ERROR = "error", "Error"


class Redo(models.TextChoices):
    """What the next ingestion does though nothing has changed."""

    NOTHING = "", "Nothing"
    PARSE = "parse", "Read and cut the text anew"
    EMBED = "embed", "Also make every vector anew"
