"""Drop the indexes of columns that another index of the table begins with."""

import django.db.models.deletion
from django.db import migrations, models

_GONE = (
    "knowledge_botdataset_bot_profile_id_bb3f1b59",
    "knowledge_chunk_source_id_c7d44adf",
    "knowledge_curatedquestion_answer_id_56db3b3b",
    "knowledge_curatedvector_question_id_52c2f94b",
    "knowledge_documentversion_document_id_40f7d2bd",
    "knowledge_refusalfloors_bot_profile_id_f8fc5b95",
    "knowledge_sitepage_sync_id_d655be83",
    "knowledge_sitesync_source_id_71532c75",
    "knowledge_source_bot_profile_id_5f94e2e1",
    "restricted_part_by_source",
)


class Migration(migrations.Migration):

    dependencies = [
        ('bots', '0025_fewer_indexes'),
        ('knowledge', '0025_names'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            # By name, in one statement: Django would look each of them up, for each tenant.
            database_operations=[
                migrations.RunSQL(f"DROP INDEX IF EXISTS {', '.join(_GONE)}", migrations.RunSQL.noop)
            ],
            state_operations=[
                migrations.RemoveIndex(
                    model_name='restrictedpart',
                    name='restricted_part_by_source',
                ),
                migrations.AlterField(
                    model_name='botdataset',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='dataset_links', to='bots.botprofile', verbose_name='bot'),
                ),
                migrations.AlterField(
                    model_name='chunk',
                    name='source',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='knowledge.source'),
                ),
                migrations.AlterField(
                    model_name='curatedquestion',
                    name='answer',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='knowledge.curatedanswer'),
                ),
                migrations.AlterField(
                    model_name='curatedvector',
                    name='question',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='knowledge.curatedquestion'),
                ),
                migrations.AlterField(
                    model_name='documentversion',
                    name='document',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='knowledge.document'),
                ),
                migrations.AlterField(
                    model_name='refusalfloors',
                    name='bot_profile',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='refusal_floors', to='bots.botprofile'),
                ),
                migrations.AlterField(
                    model_name='sitepage',
                    name='sync',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='pages', to='knowledge.sitesync'),
                ),
                migrations.AlterField(
                    model_name='sitesync',
                    name='source',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='syncs', to='knowledge.source'),
                ),
                migrations.AlterField(
                    model_name='source',
                    name='bot_profile',
                    field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sources', to='bots.botprofile', verbose_name='bot'),
                ),
            ],
        ),
    ]
