# mypy: ignore-errors
"""The doors of the pages: where visitors are sent to log in, and what takes no link."""

from urllib.parse import urlsplit

from . import fitting, samples
from .report import emit


def doors():
    from django.apps import apps

    if not apps.is_installed("django.contrib.auth"):
        return
    from django.conf import settings as loaded
    from django.shortcuts import resolve_url
    from django.urls import NoReverseMatch, get_resolver

    url, got = str(loaded.LOGIN_URL), ""
    try:
        url = str(resolve_url(loaded.LOGIN_URL))
    except NoReverseMatch as error:
        got = f"NoReverseMatch: {error}"
    slash = loaded.APPEND_SLASH
    there = not got and is_there(url, slash)
    patterns = get_resolver().url_patterns
    emit(
        "doors",
        url=url,
        login=there,
        elsewhere=any(logs_in(one) for one in every(patterns)),
        got=got,
        posts=[*posts(patterns)],
        lost={name: to for name, to in after(loaded) if not is_there(to, slash)},
        names=sorted(set(names(patterns))),
        takes=[*fitting.takes(patterns)],
        unfit=[*fitting.unfit(patterns)],
        unseen=[*unseen(patterns)],
        modules=sorted({module_of(one) for one in every(patterns)}),
    )


def after(loaded):
    """The paths to which a login and a logout lead; a page at / may be for later."""
    for name in ("LOGIN_REDIRECT_URL", "LOGOUT_REDIRECT_URL"):
        path = getattr(loaded, name)
        if isinstance(path, str) and len(path) > 1 and path[0] == "/":
            yield name, path


def is_there(url, slash):
    """Whether a page is behind a URL; another site's may be."""
    from django.urls import Resolver404, get_script_prefix, resolve

    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/"):
        return True
    path = "/" + parts.path.removeprefix(get_script_prefix()).lstrip("/")
    for one in (path, *([] if path.endswith("/") or not slash else [path + "/"])):
        try:
            return bool(resolve(one))
        except Resolver404:
            continue
    return False


def posts(patterns, before="/", space="", depth=0):
    """The routes of a logout that is no page: each with its name and its path."""
    from django.contrib.auth.views import LogoutView

    for pattern in patterns:
        sample = samples.sample_of(pattern.pattern)
        path = None if None in (before, sample) else before + sample
        inner = getattr(pattern, "url_patterns", None)
        if inner is not None and depth < 5:
            below = getattr(pattern, "namespace", None)
            yield from posts(
                inner, path, f"{space}{below}:" if below else space, depth + 1
            )
            continue
        kind = getattr(getattr(pattern, "callback", None), "view_class", None)
        if path is None or not isinstance(kind, type):
            continue
        if issubclass(kind, LogoutView) and "get" not in kind.http_method_names:
            name = getattr(pattern, "name", None)
            yield {"name": f"{space}{name}" if name else "", "path": path}


def every(patterns, depth=0):
    """All routes that are no include."""
    for pattern in patterns:
        inner = getattr(pattern, "url_patterns", None)
        if inner is None:
            yield pattern
        elif depth < 5:
            yield from every(inner, depth + 1)


def logs_in(pattern):
    """Whether a route leads to Django's own page for a login."""
    from django.contrib.auth.views import LoginView

    kind = getattr(getattr(pattern, "callback", None), "view_class", None)
    return isinstance(kind, type) and issubclass(kind, LoginView)


def module_of(pattern):
    """Where the view of a route is written."""
    view = getattr(pattern, "callback", None)
    for name in ("view_class", "cls"):
        view = getattr(view, name, view)
    return str(getattr(view, "__module__", ""))


def names(patterns, space="", depth=0):
    """What {% url %} may be given, with its namespaces."""
    for pattern in patterns:
        inner = getattr(pattern, "url_patterns", None)
        if inner is not None and depth < 5:
            below = getattr(pattern, "namespace", None)
            yield from names(inner, f"{space}{below}:" if below else space, depth + 1)
        elif getattr(pattern, "name", None):
            yield space + pattern.name


def unseen(patterns):
    """The templates of Django's own views that are nowhere: each with its route."""
    from django.contrib.auth.views import LoginView
    from django.template import TemplateDoesNotExist
    from django.template.loader import get_template
    from django.views.generic import TemplateView

    for pattern in every(patterns):
        view = getattr(pattern, "callback", None)
        kind = getattr(view, "view_class", None)
        if kind not in (LoginView, TemplateView):
            continue
        named = getattr(view, "view_initkwargs", {}).get("template_name")
        name = named or kind.template_name
        try:
            get_template(name)
        except TemplateDoesNotExist as error:
            if str(error) == name:
                yield {"template": name, "route": str(pattern.pattern)}
        except Exception:
            continue  # it is there, and wrong
