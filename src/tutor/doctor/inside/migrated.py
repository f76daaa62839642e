# mypy: ignore-errors
"""What the models of the project have, and its migrations have not."""

import os

from .report import emit, inside


def migrations():
    """What the models of the project have, and its migrations have not."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    own = {
        config.label
        for config in apps.get_app_configs()
        if inside(os.path.join(config.path, "x")) and list(config.get_models())
    }
    if not own:
        return
    loader = MigrationLoader(None, ignore_no_migrations=True)
    if not own & {label for label, _ in loader.disk_migrations}:
        return  # nobody has begun with them
    compared = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps)
    )
    changes = compared.changes(
        graph=loader.graph, trim_to_apps=own, convert_apps=own - loader.migrated_apps
    )
    emit(
        "migrations",
        missing=[
            {
                "app": label,
                "does": operation.describe(),
                "model": str(
                    getattr(operation, "model_name", "")
                    or getattr(operation, "name", "")
                ),
                "field": str(getattr(operation, "name", "")),
                "table": touches(operation, label, compared.from_state),
            }
            for label, found in changes.items()
            if label in own
            for migration in found
            for operation in migration.operations
        ],
    )


def touches(operation, label, before):
    """Whether an operation changes a table, and not only what Django knows of it."""
    from django.db import connection
    from django.db.migrations import AlterField, AlterModelManagers, AlterModelOptions

    if isinstance(operation, (AlterModelOptions, AlterModelManagers)):
        return False
    if not isinstance(operation, AlterField):
        return True
    try:
        model = before.models[label, operation.model_name_lower]
        fields = model.get_field(operation.name), operation.field
        return len({_column(field, connection) for field in fields}) > 1
    except Exception:
        return True


def _column(field, connection):
    """What the table has of a field, as far as a query notices."""
    made = field.deconstruct()[3]
    kept = ("null", "unique", "primary_key", "db_column", "to", "max_length")
    kind = made.get("to") or field.db_type(connection)
    return (str(kind), *(str(made.get(key)) for key in kept))
