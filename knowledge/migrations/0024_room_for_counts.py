"""Every ingestion counts most of the tenant's words anew: with room beside them no index has to be written for that."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0023_groups_of_pages")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE lex_df SET (fillfactor = 45)", "ALTER TABLE lex_df RESET (fillfactor)"
        )
    ]
