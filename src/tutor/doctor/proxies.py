"""The words for nginx that a project holds, as blocks with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tutor.doctor import commands
from tutor.doctor.remembered import remembered

MOST = 200_000  # bytes of a file
_TOKEN = re.compile(r"""#[^\n]*|\n|[;{}]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|"""
                    r"""(?:\$\{\w+\}|[^\s;{}])+""")  # fmt: skip
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_TIME = re.compile(r"(\d+)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_OTHERS = (".py", ".md", ".ipynb", ".toml", ".yml", ".yaml")
_LIKELY = re.compile(r"\bserver\s*\{")


@dataclass
class Directive:
    """A word, what follows it, and where it stands.

    Args:
        name: such as ``proxy_pass``.
        args: the words after it.
        line: from 1.
        block: what its braces hold; empty for one that ends in a semicolon.
        outer: what it stands in; None at the top.
        broken: the words in it that begin a line of their own.
        is_ended: whether a semicolon ends it, or braces do.
    """

    name: str
    args: list[str]
    line: int
    block: list[Directive] = field(default_factory=list)
    outer: Directive | None = None
    broken: list[str] = field(default_factory=list)
    is_ended: bool = True

    def all(self, name: str) -> list[Directive]:
        """Those of a name, right in its block."""
        return [one for one in self.block if one.name == name]

    @property
    def speaks_tls(self) -> bool:
        """Whether a server listens for https."""
        return any("ssl" in one.args for one in self.all("listen"))

    @property
    def seconds(self) -> float | None:
        """How long it says; None where a variable says it."""
        match = _TIME.fullmatch(self.args[0]) if self.args else None
        return int(match[1]) * _SECONDS[match[2] or "s"] if match else None

    def value(self, name: str) -> Directive | None:
        """What holds here: its own, or the next one outside."""
        here: Directive | None = self
        while here is not None:
            if found := here.all(name):
                return found[-1]
            here = here.outer
        return None

    def filled(self) -> list[str]:
        """Its words, with the variables that ``set`` gives one value right here."""
        told: dict[str, list[str]] = {}
        here = self.outer
        while here is not None:
            for one in here.all("set") if here.name != "if" else ():
                if len(one.args) == 2:
                    told.setdefault(one.args[0], []).append(one.args[1])
            here = here.outer
        sure = {name: values[0] for name, values in told.items() if len(values) == 1}
        return [
            _VARIABLE.sub(lambda one: sure.get(f"${one[1]}", one[0]), word)
            for word in self.args
        ]

    def headers(self) -> dict[str, Directive] | None:
        """What is set on the way to the server behind; None where that is not known.

        nginx takes those outside only where there are none inside.
        """
        here: Directive | None = self
        while here is not None:
            if here.name in ("location", "server") and here.all("include"):
                return None  # further out it is the kinds of files, as a rule
            if found := here.all("proxy_set_header"):
                return {one.args[0].lower(): one for one in found if one.args}
            here = here.outer
        return {}


@dataclass(frozen=True)
class Site:
    """A file with words for nginx.

    Args:
        file: relative to the project.
        top: holds all that stands in it.
    """

    file: str
    top: Directive

    def every(self) -> Iterator[Directive]:
        """All that stands in it, at any depth."""
        yield from _below(self.top)

    def servers(self) -> Iterator[Directive]:
        """The blocks called ``server`` that pass something on."""
        for one in self.every():
            passed = any(inner.name == "proxy_pass" for inner in _below(one))
            if one.name == "server" and passed:
                yield one

    def upstream(self, name: str) -> list[str]:
        """The addresses behind a name; the name itself where it stands for none."""
        for one in _below(self.top):
            if one.name == "upstream" and one.args == [name]:
                return [inner.args[0] for inner in one.all("server") if inner.args]
        return [name]

    def line(self, name: str) -> int | None:
        """Where the first address behind a name stands."""
        for one in _below(self.top):
            if one.name == "upstream" and one.args == [name]:
                return next((inner.line for inner in one.all("server")), one.line)
        return None


@remembered
def sites(project: Path) -> Iterator[Site]:
    """What a project says to nginx, in any of its files."""
    for path in files(project):
        try:
            if path.stat().st_size > MOST:
                continue
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if _LIKELY.search(text):
            top = parse(text)
            for one in _below(top):
                one.args = one.filled() if one.name == "proxy_pass" else one.args
            yield Site(path.relative_to(project).as_posix(), top)


def files(project: Path) -> Iterator[Path]:
    """The files of a project that may be for nginx."""
    for path in commands.files(project):
        called = "nginx" in f"{path.parent.name}/{path.name}".lower()
        if (called or path.suffix == ".conf") and not path.name.endswith(_OTHERS):
            yield path


def parse(text: str) -> Directive:
    """Read words for nginx; what is broken is read as far as it goes."""
    top = here = Directive("", [], 0)
    words: list[str] = []
    broken: list[str] = []
    line = began = last = 1
    for token in _TOKEN.findall(text):
        if token == "\n":
            line += 1
        elif token.startswith("#"):
            continue
        elif token in ";{}":
            if words:
                is_ended = token != "}"
                made = Directive(words[0], words[1:], began, [], here, broken, is_ended)
                here.block.append(made)
                here = made if token == "{" else here
            if token == "}":
                here = here.outer or top
            words, broken = [], []
        else:
            began = began if words else line
            broken += [token] if words and line > last else []
            last = line
            quoted = token[0] in "'\"" and token[-1] == token[0] and len(token) > 1
            words.append(token[1:-1] if quoted else token)
            line += token.count("\n")
    return top


def _below(one: Directive) -> Iterator[Directive]:
    for inner in one.block:
        yield inner
        yield from _below(inner)


def location(server: Directive, path: str) -> Directive | None:
    """Which location takes a path, by nginx's own order; the server where none does.

    None where that is not known: a pattern that is no pattern of Python.
    """
    best: Directive | None = None
    patterns = []
    for one in server.all("location"):
        kind, prefix = one.args[0], one.args[-1]
        if len(one.args) == 1 or kind == "^~":
            if path.startswith(prefix) and len(prefix) >= len(
                best.args[-1] if best else ""
            ):
                best = one
        elif kind == "=" and path == prefix:
            return one
        elif kind in ("~", "~*"):
            patterns.append(one)
    if best is None or best.args[0] != "^~":
        for one in patterns:
            try:
                if re.search(one.args[-1], path, re.I if one.args[0] == "~*" else 0):
                    return one
            except re.error:
                return None
    return best or server
