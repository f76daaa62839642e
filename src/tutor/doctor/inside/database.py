# mypy: ignore-errors
"""What is asked of a database too early, and what its tables do not have yet."""

import contextlib
import os
import sys
import warnings

from .report import emit, inside, own, stack_of

TOO_EARLY = "during app initialization"  # Django's own words


@contextlib.contextmanager
def early():
    """Report each query of the project while its apps get ready: Django warns of it."""
    real = warnings.showwarning

    def show(message, *more, **named):
        if TOO_EARLY in str(message):
            frames = stack_of(sys._getframe(1))
            emit("early", at=own(frames), frames=[one for one in frames if one["own"]])
        real(message, *more, **named)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = real


def unapplied():
    """The project's migrations that its database has not had, where it has had some."""
    from django.db import connection
    from django.db.migrations import operations
    from django.db.migrations.executor import MigrationExecutor

    name = str(connection.settings_dict.get("NAME") or "")
    if connection.vendor != "sqlite" or not os.path.exists(name):
        return
    executor = MigrationExecutor(connection)
    begun = {label for label, _ in executor.loader.applied_migrations}
    asked = (
        *(operations.AddField, operations.CreateModel, operations.RenameField),
        *(operations.RenameModel, operations.AlterModelTable),
    )
    emit(
        "unapplied",
        found=[
            {"name": f"{one.app_label}.{one.name}", "file": file}
            for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())
            if one.app_label in begun
            and (file := inside(getattr(sys.modules[one.__module__], "__file__", None)))
            and any(isinstance(does, asked) for does in one.operations)
        ],
    )
