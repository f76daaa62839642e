from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Vote",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("choice", models.CharField(max_length=9)),
            ],
        ),
    ]
