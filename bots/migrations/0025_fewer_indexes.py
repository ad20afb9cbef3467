"""Drop the indexes of columns that another index of the table begins with."""

import django.db.models.deletion
from django.db import migrations, models

_GONE = (
    "bots_botversion_bot_profile_id_04c67dc7",
    "bots_providerchoice_bot_profile_id_2240ee44",
    "bots_quotause_quota_id_bf5f6b34",
    "bots_scope_bot_profile_id_54a9bf0a",
    "bots_usageevent_bot_profile_id_1145c335",
)


class Migration(migrations.Migration):

    dependencies = [
        ('bots', '0024_masking'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By name, in one statement: Django would look each of them up, for each tenant.
            database_operations=[
                migrations.RunSQL(f"DROP INDEX IF EXISTS {', '.join(_GONE)}", migrations.RunSQL.noop)
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='botversion',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='providerchoice',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='provider_choices', to='bots.botprofile'),
                ),
                migrations.AlterField(
                    model_name='quotause',
                    name='quota',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='uses', to='bots.quota'),
                ),
                migrations.AlterField(
                    model_name='scope',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='scopes', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='usageevent',
                    name='bot_profile',
                    field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='usage_events', to='bots.botprofile'),
                ),
            ],
        ),
    ]
