from __future__ import annotations

import pgvector.django.halfvec
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="NextVector",
            fields=[
                ("chunk_id", models.UUIDField(primary_key=True, serialize=False)),
                ("dataset_id", models.UUIDField()),
                ("embedding_model", models.CharField(max_length=100)),
                ("emb", pgvector.django.halfvec.HalfVectorField()),
            ],
            options={"indexes": [models.Index(fields=["dataset_id"], name="next_vector_by_dataset")]},
        ),
    ]
