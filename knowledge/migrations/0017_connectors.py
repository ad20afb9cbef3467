from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0016_document_versions")]

    operations = [
        migrations.AlterField(
            model_name="source",
            name="source_type",
            field=models.CharField(
                choices=[
                    ("text", "Text"),
                    ("upload", "Upload"),
                    ("url", "URL"),
                    ("site", "Site"),
                    ("folder", "Folder"),
                    ("git", "Git repository"),
                    ("s3", "S3 bucket"),
                    ("webdav", "WebDAV"),
                    ("nyxcore", "nyxCore"),
                ],
                max_length=10,
            ),
        ),
    ]
