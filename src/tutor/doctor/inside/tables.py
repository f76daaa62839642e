# mypy: ignore-errors
"""Every table that the models ask for, in the databases of the copy."""

import contextlib
import importlib
import os
import threading

from .report import ROOT, inside


class UnfitError(Exception):
    """There is no database in which anything may be written."""


@contextlib.contextmanager
def unheard():
    """In this thread, no receiver of the project hears of what is stored."""
    from django.db.models import signals

    here, real = threading.get_ident(), signals.ModelSignal.send

    def send(self, sender, **named):
        return [] if threading.get_ident() == here else real(self, sender, **named)

    signals.ModelSignal.send = send
    try:
        yield
    finally:
        del signals.ModelSignal.send


def is_own(model):
    """Whether a model is the project's, and has a table of its own."""
    meta = model._meta
    return (
        not (meta.proxy or meta.swapped)
        and inside(os.path.join(meta.app_config.path, "x")) is not None
    )


def lay_tables():
    """Every table that is missing, or that is not as its model says.

    From the models: to run all migrations takes ten times as long.  The rows that the
    project's own migrations make are made then.
    """
    from django.apps import apps
    from django.db import connections, router

    fresh = set()
    for alias in connections:
        connection = connections[alias]
        if connection.settings_dict["ENGINE"].endswith(".dummy"):
            continue
        if connection.vendor != "sqlite":
            raise UnfitError(alias)
        if connection.is_in_memory_db():
            # Each thread would have its own; from now on, all have this one.
            connection.settings_dict["NAME"] = f"{ROOT}/.tutor-{alias}.sqlite3"
        connection.ensure_connection()
        connection.disable_constraint_checking()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")
            there = set(connection.introspection.table_names(cursor))
            for model in apps.get_models(include_auto_created=True):
                meta = model._meta
                label = meta.app_label
                if not meta.can_migrate(connection) or not router.allow_migrate_model(
                    alias, model
                ):
                    continue
                if meta.db_table in there and _fits(cursor, connection, meta):
                    continue
                with contextlib.suppress(Exception):
                    _lay(connection, cursor, model)
                    fresh.add(label)
    for config in apps.get_app_configs():
        if config.label in fresh and inside(os.path.join(config.path, "x")):
            _fill(config)


def _fits(cursor, connection, meta):
    cursor.execute(f"PRAGMA table_info({connection.ops.quote_name(meta.db_table)})")
    columns = {row[1] for row in cursor.fetchall()}
    return columns == {field.column for field in meta.local_concrete_fields}


def _lay(connection, cursor, model):
    from django.db import transaction

    editor, alias = connection.schema_editor(atomic=False), connection.alias
    editor.deferred_sql = []
    with transaction.atomic(using=alias):
        name = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
        sql, params = editor.table_sql(model)
        editor.execute(sql, params or None)
        editor.deferred_sql += editor._model_indexes_sql(model)
        for statement in editor.deferred_sql:
            # Constraints: a row is made once, or not.  Other indexes only cost time.
            if "UNIQUE" in str(statement):
                with contextlib.suppress(Exception), transaction.atomic(using=alias):
                    editor.execute(statement, None)


def _fill(config):
    """Do what the migrations of an app do beside changing tables."""
    from django.apps import apps
    from django.db import connections, transaction

    folder = os.path.join(config.path, "migrations")
    if not os.path.isdir(folder):
        return
    editor, applied = connections["default"].schema_editor(atomic=False), set()
    editor.deferred_sql = []
    with contextlib.suppress(Exception), connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT name FROM django_migrations WHERE app = %s", [config.label]
        )
        applied = {name for (name,) in cursor.fetchall()}
    for entry in sorted(set(os.listdir(folder)) - {f"{name}.py" for name in applied}):
        with contextlib.suppress(Exception):
            with open(os.path.join(folder, entry), encoding="utf-8") as file:
                if not entry.endswith(".py") or "Run" not in file.read():
                    continue
            module = importlib.import_module(f"{config.name}.migrations.{entry[:-3]}")
            for operation in module.Migration.operations:
                with contextlib.suppress(Exception), transaction.atomic():
                    if type(operation).__name__ == "RunPython":
                        operation.code(apps, editor)
                    elif type(operation).__name__ == "RunSQL":
                        operation._run_sql(editor, operation.sql)
