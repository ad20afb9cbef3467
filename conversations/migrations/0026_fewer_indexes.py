"""Drop the indexes of columns that another index of the table begins with."""

import django.db.models.deletion
from django.db import migrations, models

_GONE = (
    "conversations_chat_bot_profile_id_76de9b7f",
    "conversations_chattag_chat_id_4e090bdb",
    "conversations_citation_message_id_30e33bff",
    "conversations_evaluationresult_run_id_8ae4dd7c",
    "conversations_evaluationrun_bot_profile_id_d256a3af",
    "conversations_exportpart_job_id_06f8a071",
    "conversations_gap_bot_profile_id_7b009e35",
    "conversations_gapquestion_gap_id_2ab7c3af",
    "conversations_goldenquestion_bot_profile_id_09b18573",
    "conversations_message_chat_id_7bd9dfad",
)


class Migration(migrations.Migration):

    dependencies = [
        ('bots', '0025_fewer_indexes'),
        ('conversations', '0025_names'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By name, in one statement: Django would look each of them up, for each tenant.
            database_operations=[
                migrations.RunSQL(f"DROP INDEX IF EXISTS {', '.join(_GONE)}", migrations.RunSQL.noop)
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='chat',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chats', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='chattag',
                    name='chat',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='conversations.chat'),
                ),
                migrations.AlterField(
                    model_name='citation',
                    name='message',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='citations', to='conversations.message'),
                ),
                migrations.AlterField(
                    model_name='evaluationresult',
                    name='run',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='results', to='conversations.evaluationrun'),
                ),
                migrations.AlterField(
                    model_name='evaluationrun',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='evaluation_runs', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='exportpart',
                    name='job',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='conversations.exportjob'),
                ),
                migrations.AlterField(
                    model_name='gap',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='gaps', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='gapquestion',
                    name='gap',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='conversations.gap'),
                ),
                migrations.AlterField(
                    model_name='goldenquestion',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='golden_questions', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='message',
                    name='chat',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='conversations.chat'),
                ),
            ],
        ),
    ]
