# mypy: ignore-errors
"""The facts of a project as ``manage.py`` sees it, and so as ``runserver`` does."""

import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import sys

from . import database, load, shield, walk, wrappers
from .doors import doors
from .report import ROOT, emit, error_of, failed, give_up_after, inside, leave

LIMIT = 6  # seconds for the whole process
MANY = 2000  # routes of pages


def main(arguments):
    look()
    leave()


def look():
    give_up_after(LIMIT, lambda: load.stage[0])
    emit("python", version=list(sys.version_info[:3]))
    versions()
    load.begin()
    try:
        loaded = settings()
    except Exception as error:  # one of them is nothing that Django could use
        failed("settings", error)
        shadows()
        return
    shadows()  # in every folder that ``manage.py`` has put on the path
    if not loaded:
        return
    with database.early():
        if not load.setup():
            return
    load.stage[0] = "facts"
    for fact in (
        *(problems, commands, layers, templates, pages, own_apps),
        migrations,
        database.unapplied,
    ):
        attempt(fact)
    load.stage[0] = "application"
    attempt(application)
    load.stage[0] = "urls"
    attempt(urls)
    attempt(doors)


def attempt(fact):
    try:
        return fact()
    except BaseException as error:
        failed(fact.__name__, error)
        return None


def versions():
    found = {}
    for name in (
        "django",
        "channels",
        "daphne",
        "asgiref",
        "channels_redis",
        "redis",
        "twisted",
    ):
        try:
            told = importlib.metadata.distribution(name).read_text("METADATA")
        except importlib.metadata.PackageNotFoundError:
            continue
        # The whole of it is a mail with the README in it, which takes long to parse.
        if version := re.search(r"^Version: *(\S+)", told or "", re.MULTILINE):
            found[name] = version[1]
    emit("versions", found=found)


def shadows():
    """Modules of the project that hide an installed one of the same name.

    They lie in its own folder, or in one that ``manage.py`` puts on the path.
    """
    elsewhere = [p for p in sys.path if not own_folder(p)]
    found = []
    folders = [p for p in sys.path if own_folder(p)]
    for folder in dict.fromkeys(os.path.realpath(p or ".") for p in folders):
        if os.path.isdir(folder):
            found += shadows_in(folder, elsewhere)
    emit("shadows", found=found)


def own_folder(path):
    """Whether an entry of the path is a folder of the project."""
    whole = os.path.realpath(path or ".")
    return whole == ROOT or inside(os.path.join(whole, "x")) is not None


def shadows_in(folder, elsewhere):
    found = []
    for entry in sorted(os.listdir(folder)):
        name, dot, end = entry.partition(".")
        is_package = not dot and os.path.isdir(os.path.join(folder, entry))
        if not name.isidentifier() or not (end == "py" or is_package):
            continue
        start = os.path.join(folder, entry, "__init__.py")
        if is_package and not os.path.exists(start):
            continue
        try:
            first = importlib.machinery.PathFinder.find_spec(name, sys.path)
            spec = importlib.machinery.PathFinder.find_spec(name, elsewhere)
        except Exception:
            continue
        origin = getattr(spec, "origin", None)
        wins = inside(getattr(first, "origin", None)) is not None
        if wins and origin and not inside(origin):
            file = os.path.join(folder, entry) if end else start
            found.append({"name": name, "file": inside(file)})
    return found


def settings():
    shield.raise_shield_later()
    if not load.settings():
        return False
    from django.conf import global_settings
    from django.conf import settings as loaded

    module = sys.modules.get(loaded.SETTINGS_MODULE)
    emit(
        "settings",
        module=loaded.SETTINGS_MODULE,
        file=inside(getattr(module, "__file__", None)),
        names=[name for name in dir(module) if name.isupper()],
        defaults=[name for name in dir(global_settings) if name.isupper()],
        apps=[str(app) for app in loaded.INSTALLED_APPS or ()],
        middleware=[str(one) for one in loaded.MIDDLEWARE or ()],
        asgi=plain(getattr(loaded, "ASGI_APPLICATION", None)),
        wsgi=plain(getattr(loaded, "WSGI_APPLICATION", None)),
        layers=plain(getattr(loaded, "CHANNEL_LAYERS", None)),
        hosts=plain(loaded.ALLOWED_HOSTS),
        secret=has_secret(loaded),
        static=plain(loaded.STATIC_URL),
        secure=bool(loaded.SESSION_COOKIE_SECURE),
        script_name=str(loaded.FORCE_SCRIPT_NAME or ""),
        debug=bool(loaded.DEBUG),
        logging=plain(loaded.LOGGING),
        urlconf=plain(getattr(loaded, "ROOT_URLCONF", None)),
        databases={
            alias: {
                "engine": one.get("ENGINE", ""),
                "name": str(one.get("NAME", "")),
                "test": str((one.get("TEST") or {}).get("NAME") or ""),
            }
            for alias, one in loaded.DATABASES.items()
        },
        unsafe=os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"),
    )
    return True


def has_secret(loaded):
    """Whether there is a SECRET_KEY; Django refuses to read an empty one."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        return bool(loaded.SECRET_KEY)
    except ImproperlyConfigured:
        return False


def plain(value):
    """A setting as plain data; what is none of it becomes its text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def problems():
    from django.core.checks import WARNING, run_checks

    found = [p for p in run_checks() if p.level >= WARNING and not p.is_silenced()]
    emit(
        "problems",
        found=[
            {"id": p.id, "text": str(p.msg), "level": p.level, **whose(p.obj)}
            for p in found
        ],
    )


def whose(thing):
    """The model and the field that a check speaks of."""
    model = getattr(thing, "model", None)
    name = getattr(thing, "name", None)
    if not isinstance(model, type):
        return {}
    whole = f"{model.__module__}.{model.__qualname__}"
    return {"model": whole, "field": name if isinstance(name, str) else ""}


def commands():
    from django.core.management import get_commands, load_command_class

    owners = get_commands()
    emit("commands", names=sorted(owners))
    for name in ("runserver", "runworker"):
        if name in owners:
            command = load_command_class(owners[name], name)
            emit(
                "command",
                name=name,
                owner=str(owners[name]),
                bases=[kind.__module__ for kind in type(command).__mro__],
            )


def layers():
    """Build the channel layers, as the first connection would."""
    from channels.layers import channel_layers

    for alias in channel_layers.configs or {}:
        try:
            layer = channel_layers[alias]
            emit("layer", alias=alias, type=wrappers.name_of(layer), error=None)
        except BaseException as error:
            emit("layer", alias=alias, type=None, error=error_of(error))


def templates():
    from django.template import engines

    found, others, plain = [], [], True
    for engine in engines.all():
        loaders = getattr(getattr(engine, "engine", None), "loaders", None) or []
        plain = plain and all("django.template.loaders." in str(one) for one in loaders)
        plain = plain and "locmem" not in str(loaders)
        for folder in engine.template_dirs:
            if inside(os.path.join(str(folder), "x")):
                found.append(inside(os.path.join(str(folder), "x"))[:-2])
            else:
                others.append(str(folder))
    # Where every template has to be: not where a loader of the project's own looks.
    emit("templates", folders=found, others=others, plain=plain)


def pages():
    from django.contrib.staticfiles.finders import get_finders

    found = []
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            place = inside(os.path.join(str(storage.location), "x"))
            if place:
                found.append(place[:-2])
    emit("static", folders=found)


def own_apps():
    from django.apps import apps

    emit(
        "own-apps",
        found=[
            {"name": c.name, "file": inside(os.path.join(c.path, "x"))[:-2]}
            for c in apps.get_app_configs()
            if inside(os.path.join(c.path, "x"))
        ],
    )


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


def application():
    """Import the application as ``runserver`` does, after ``django.setup()``."""
    from django.conf import settings as loaded

    named = getattr(loaded, "ASGI_APPLICATION", None)
    if not isinstance(named, str) or "." not in named:
        return
    try:
        found = load.path_of(named)
    except BaseException as error:
        failed("asgi", error)
        return
    emit("asgi", type=wrappers.name_of(found))
    emit("walk", **walk.walk(found))
    emit("consumers", found=walk.consumers())


def urls():
    """Consumers among the pages' URLs, where no socket ever looks; the own pages."""
    from django.urls import Resolver404, get_resolver

    found, routes, own = [], [], []

    def visit(patterns, depth=0, before="", way="/"):
        for pattern in patterns:
            inner = getattr(pattern, "url_patterns", None)
            route = before + str(pattern.pattern)
            sample = walk.sample_of(pattern.pattern)
            path = way + sample if None not in (way, sample) else None
            if inner is not None and depth < 5:
                visit(inner, depth + 1, route, path)
                continue
            routes.append(route)
            callback = getattr(pattern, "callback", None)
            if path is not None and is_own(callback):
                own.append(path)
            kind = wrappers.kind(callback)
            if kind in ("consumer", "class", "instance"):
                found.append({"route": str(pattern.pattern), "is": kind})

    visit(get_resolver().url_patterns)
    try:
        root = wrappers.name_of(get_resolver().resolve("/").func)
    except Resolver404:
        root = None
    emit("urls", consumers=found, root=root, routes=routes[:MANY], own=own[:MANY])


def is_own(view):
    """Whether a view is the project's."""
    kind = getattr(view, "view_class", view)
    module = sys.modules.get(getattr(kind, "__module__", None) or "")
    return inside(getattr(module, "__file__", None)) is not None
