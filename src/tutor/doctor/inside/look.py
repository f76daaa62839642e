# mypy: ignore-errors
"""The facts of a project as ``manage.py`` sees it, and so as ``runserver`` does."""

import gc
import importlib.metadata
import os
import re
import sys

from . import consumers, database, folders, load, samples, shield, walk, wrappers
from .doors import doors
from .migrated import migrations
from .report import emit, error_of, failed, give_up_after, inside, leave
from .shadowing import shadows
from .unread import unread

LIMIT = 6  # seconds for the whole process
MANY = 2000  # routes of pages
SECURE = ("SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "CSRF_COOKIE_SECURE")


def main(arguments):
    gc.disable()  # what is imported stays until the end, which is soon
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
        *(problems, commands, layers, templates, unread, pages, own_apps),
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
        secure=[name for name in SECURE if getattr(loaded, name) is True],
        script_name=str(loaded.FORCE_SCRIPT_NAME or ""),
        debug=bool(loaded.DEBUG),
        logging=plain(loaded.LOGGING),
        urlconf=plain(getattr(loaded, "ROOT_URLCONF", None)),
        databases={
            alias: {
                "engine": one.get("ENGINE", ""),
                "name": str(one.get("NAME", "")),
                "host": str(one.get("HOST") or ""),
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

    found, others, plain, lost = [], [], True, []
    for engine in engines.all():
        lost += [str(one) for one in engine.dirs if not os.path.isdir(one)]
        loaders = getattr(getattr(engine, "engine", None), "loaders", None) or []
        plain = plain and all("django.template.loaders." in str(one) for one in loaders)
        plain = plain and "locmem" not in str(loaders)
        for folder in folders.of_templates(engine):
            if inside(os.path.join(str(folder), "x")):
                found.append(inside(os.path.join(str(folder), "x"))[:-2])
            else:
                others.append(str(folder))
    # Where every template has to be: not where a loader of the project's own looks.
    emit("templates", folders=found, others=others, plain=plain, lost=lost)


def pages():
    emit("static", **folders.of_static())


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
    emit("consumers", found=consumers.consumers())


def urls():
    """Consumers among the pages' URLs, where no socket ever looks; the own pages."""
    from django.urls import Resolver404, get_resolver

    found, routes, own, named = [], [], [], {}

    def visit(patterns, depth=0, before="", way="/", space=""):
        for pattern in patterns:
            inner = getattr(pattern, "url_patterns", None)
            route = before + str(pattern.pattern)
            sample = samples.sample_of(pattern.pattern)
            path = way + sample if None not in (way, sample) else None
            if inner is not None and depth < 5:
                more = getattr(pattern, "namespace", None)
                inside_of = f"{space}{more}:" if more else space
                visit(inner, depth + 1, route, path, inside_of)
                continue
            routes.append(route)
            name = getattr(pattern, "name", None)
            if isinstance(name, str) and len(named) < MANY:
                named.setdefault(space + name, route)
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
    emit(
        "urls",
        consumers=found,
        root=root,
        routes=routes[:MANY],
        own=own[:MANY],
        named=named,
    )


def is_own(view):
    """Whether a view is the project's."""
    kind = getattr(view, "view_class", view)
    module = sys.modules.get(getattr(kind, "__module__", None) or "")
    return inside(getattr(module, "__file__", None)) is not None
