"""What a project says to Caddy, against what its sockets need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import MOST, files
from tutor.doctor.evidence import Evidence
from tutor.doctor.proxies import Directive
from tutor.doctor.rules.deployment.proxy import filled
from tutor.doctor.rules.found import Found
from tutor.doctor.rules.routing.reached import takes
from tutor.doctor.services import services

RANK = 60
TRIED = "reading the words for Caddy"
_ASKS = "reverse_proxy"
_FILE = re.compile(r"(?i)caddyfile([.-]\w+)*|[\w.-]+\.caddy(file)?")
_WORD = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|`[^`]*`|\S+""")


def rules(seen: Evidence) -> Iterator[Found]:
    if not any(services(seen.project)):  # a container has paths of its own
        yield from _folders(seen)
    paths = [leaf["sample"] for leaf in seen.leaves if leaf["is"] == "consumer"]
    for path in files(seen.project):
        if not _FILE.fullmatch(path.name):
            continue
        top = read(path)
        file = path.relative_to(seen.project).as_posix()
        for one, prefix in _stripped(top) if top is not None else ():
            for asked in (f"/{each.lstrip('/')}" for each in paths):
                rest = "/" + asked.removeprefix(prefix).lstrip("/")
                lost = asked.startswith(prefix + "/") and not any(
                    takes(leaf, rest.lstrip("/")) for leaf in seen.leaves
                )
                if lost:
                    yield Found(
                        "nginx-proxy-pass-strips-prefix",
                        f"{asked} arrives as {rest}",
                        (file, one.line),
                        RANK,
                        TRIED,
                        "the whole path: handle in place of handle_path",
                        f"Caddy's {one.name} takes {prefix} away.",
                    )
                    return


def sites(project: Path) -> Iterator[tuple[str, Directive, list[str]]]:
    """The sites that are passed on: the file, the block and its plain names."""
    for path in files(project):
        top = read(path) if _FILE.fullmatch(path.name) else None
        for one in top.block if top is not None else ():
            words = [word.strip(",") for word in (one.name, *one.args)]
            names = [re.sub(r"^https?://|:\d+$|/.*$", "", word) for word in words]
            if any(inner.name == _ASKS for inner in _below(one)):
                yield path.relative_to(project).as_posix(), one, names


def host_of(site: Directive) -> Directive | None:
    """Where a site tells the server another Host than it was asked for."""
    told = [one for one in _below(site) if one.name == "header_up"]
    return next((o for o in told if o.args[:1] == ["Host"] and len(o.args) == 2), None)


def asked(project: Path) -> Iterator[tuple[str, int, str]]:
    """The servers that Caddy asks: the file, the line and an address each.

    A socket's file is named as nginx names it: ``unix:/run/web.sock``.
    """
    for path in files(project):
        top = read(path) if _FILE.fullmatch(path.name) else None
        for one in _below(top) if top is not None else ():
            inside = one.name == "to" and getattr(one.outer, "name", "") == _ASKS
            for word in one.args if one.name == _ASKS or inside else ():
                file = path.relative_to(project).as_posix()
                if re.fullmatch(r"(?:https?://)?[\w.-]*:\d+", word):
                    yield file, one.line, word.rpartition("/")[2]
                elif match := re.fullmatch(r"unix(?:\+\w+)?/(/.+)", word):
                    yield file, one.line, f"unix:{match[1]}"


def _folders(seen: Evidence) -> Iterator[Found]:
    """A folder of static files that collectstatic does not fill."""
    names = filled(seen)
    for file, site, _ in sites(seen.project) if names else ():
        for one in (each for each in _below(site) if each.name == "handle_path"):
            for root in one.all("root") if one.args[:1] == ["/static/*"] else ():
                folder = PurePosixPath(root.args[-1]).name if root.args else ""
                if folder and "{" not in folder and folder not in names:
                    yield Found(
                        "nginx-static-alias-elsewhere",
                        f"Caddy looks in {folder}/, collectstatic fills {names[-1]}/",
                        (file, root.line),
                        RANK + 4,
                        TRIED,
                    )


def _below(one: Directive) -> Iterator[Directive]:
    for inner in one.block:
        yield inner
        yield from _below(inner)


def read(path: Path) -> Directive | None:
    """A Caddyfile as blocks: each line is a directive; a brace at its end opens one."""
    try:
        if path.stat().st_size > MOST:
            return None
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    top = here = Directive("", [], 0)
    for number, line in enumerate(text.splitlines(), 1):
        words = [word for word in _WORD.findall(line) if not word.startswith("#")]
        if words == ["}"]:
            here = here.outer or top
        elif words:
            opens = words[-1] == "{"
            words = words[:-1] if opens else words
            made = Directive(words[0] if words else "", words[1:], number, outer=here)
            here.block.append(made)
            here = made if opens else here
    return top


def _stripped(one: Directive) -> Iterator[tuple[Directive, str]]:
    """Where the beginning of a path is taken away before a server is asked."""
    for inner in one.block:
        if inner.name == "handle_path" and _asks(inner):
            for prefix in _prefixes(inner.args, one):
                yield inner, prefix
        elif inner.name == "uri" and "strip_prefix" in inner.args[:2] and _asks(one):
            yield inner, "/" + inner.args[-1].strip("/")
        yield from _stripped(inner)


def _asks(one: Directive) -> bool:
    """Whether a block passes on to a server, and does nothing else to the path."""
    if one.all("rewrite") or any(u.args[:1] == ["path_regexp"] for u in one.all("uri")):
        return False
    return bool(one.all("reverse_proxy")) or any(map(_asks, one.block))


def _prefixes(args: list[str], outer: Directive) -> Iterator[str]:
    """The beginnings of paths that a matcher stands for: /ws/*, or @sockets."""
    for arg in args[:1]:
        if arg.startswith("/"):
            yield arg.rstrip("*").rstrip("/")
        named = [one for one in outer.all(arg) if one.args[:1] == ["path"]]
        for path in (word for one in named for word in one.args[1:]):
            yield path.rstrip("*").rstrip("/")
