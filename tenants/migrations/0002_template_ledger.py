"""Keep a template's migrations beside its DDL. Templates without them are dropped; `migrate` makes them anew."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def drop_templates(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("tenants", "SchemaTemplate").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunPython(drop_templates, migrations.RunPython.noop),
        migrations.AddField(
            model_name="schematemplate",
            name="migrations",
            field=models.JSONField(
                default=list, help_text="The [app, name] of each migration that the DDL is the result of."
            ),
            preserve_default=False,
        ),
    ]
