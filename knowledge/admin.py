"""Registers the admin pages of the rooms; Django looks for them here."""

from __future__ import annotations

from knowledge.corrections import admin as corrections_admin
from knowledge.corrections import chunk_admin
from knowledge.curated import admin as curated_admin
from knowledge.datasets import admin as datasets_admin
from knowledge.documents import admin as documents_admin
from knowledge.sites import admin as sites_admin
from knowledge.sources import admin as sources_admin
from knowledge.versions import admin as versions_admin

__all__ = [
    "chunk_admin",
    "corrections_admin",
    "curated_admin",
    "datasets_admin",
    "documents_admin",
    "sites_admin",
    "sources_admin",
    "versions_admin",
]
