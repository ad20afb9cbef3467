from django.db import migrations, models


class Migration(migrations.Migration):
    """The attribute is called what the idea is called. The column keeps its name, so nothing is sent to the database."""

    dependencies = [
        ('tenants', '0009_bounds'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apitoken',
            name='scopes',
            field=models.JSONField(blank=True, db_column='scopes', default=list, help_text='Empty: everything its user may do.'),
        ),
        migrations.RenameField(model_name='apitoken', old_name='scopes', new_name='rights'),
    ]
