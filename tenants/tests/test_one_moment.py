"""An export sees the database as it was when it began."""

from __future__ import annotations

import io
import zipfile

from django.db import connections

from tenants.models import User
from tenants.moving.exporting import export_tenant


def test_the_file_is_of_one_moment(initech, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    def add_a_user(done: int, total: int, what: str) -> None:
        """While the file is written, on another connection."""
        if what == "tenants_user":
            other = connections.create_connection("default")
            with other.cursor() as cursor:
                cursor.execute(
                    "UPDATE tenants_user SET display_name = 'Late' WHERE tenant_id = %s",
                    [initech.pk],
                )
            other.close()

    file = io.BytesIO()
    manifest = export_tenant(initech, file, passphrase=None, tell=add_a_user)
    with zipfile.ZipFile(file) as held:
        assert b"Late" not in held.read("public/tenants_user")
    assert User.objects.get(tenant=initech).display_name == "Late"
    assert manifest.slug == "initech"
