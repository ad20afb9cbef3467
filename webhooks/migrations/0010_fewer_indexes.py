"""Drop the indexes of columns that another index of the table begins with."""

import django.db.models.deletion
from django.db import migrations, models

_GONE = (
    "webhooks_delivery_webhook_id_27345d75",
)


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0009_names'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By name, in one statement: Django would look each of them up, for each tenant.
            database_operations=[
                migrations.RunSQL(f"DROP INDEX IF EXISTS {', '.join(_GONE)}", migrations.RunSQL.noop)
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='delivery',
                    name='webhook',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='webhooks.webhook'),
                ),
            ],
        ),
    ]
