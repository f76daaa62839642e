"""From where a server is started, against where it would find what it is to serve.

A server looks for its application in the folder in which it is started, and in what
``PYTHONPATH`` names.  An image says all of that itself, and so does a unit of systemd.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tutor.doctor.commands import SERVERS, Command, commands, mentioned
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.deployment import folders
from tutor.doctor.rules.deployment.served import found
from tutor.doctor.rules.found import Found
from tutor.doctor.services import services
from tutor.doctor.startfiles import is_image, logical_lines
from tutor.doctor.texts import text_of

# What makes a package of the project importable from everywhere.
_INSTALLED = re.compile(
    r"\bpip3? install\b[^\n&|;]*(?:\s-e\b|\s--editable\b|\s\.{1,2}(?:/|\[|\s|$))|"
    r"\buv (?:sync|pip install)\b|\b(?:poetry|pdm|hatch|rye) (?:install|sync)\b|"
    r"\.pth\b|\bsetup\.py\b"
)
_MOVED = re.compile(
    r"(?:^|[&;|(])\s*(?:mv|cp|ln|tar|unzip|rsync|curl|wget|git\s+clone)\b"
)
# Of which no package is made; a pattern of these matches nothing else.
_LISTS = re.compile(r".*\.(?:txt|toml|lock|cfg|ini|json|in)")
# What lays a folder of this machine over an image's, once it runs.
_SEEN_LATER = r"(?m)^\s*(?:develop|watch)\s*:|\bdocker\b.*(?:\s-v[ =]|--volume|--mount)"
_ELSEWHERE = ("--app-dir", "--chdir", "--pythonpath", "-c", "--config")


@dataclass
class _Image:
    """What an image holds when its command starts.

    Args:
        folder: where the command runs.
        paths: what PYTHONPATH names.
        copied: which folder of the project lies where.
        sure: whether nothing else may put the project's packages in reach.
    """

    folder: str = "/"
    paths: list[str] = field(default_factory=list)
    copied: list[tuple[str, str]] = field(default_factory=list)
    sure: bool = True


def rules(seen: Evidence) -> Iterator[Found]:
    for one in commands(seen.project):
        if one.program not in SERVERS or any(map(one.values, _ELSEWHERE)):
            continue
        package = (one.target or "").partition(":")[0]
        module = seen.source.modules.get(package)
        if module is None or not module.file.endswith(".py"):
            continue
        root = str(PurePosixPath(module.file).parents[package.count(".")])
        looks = _in_image(seen, one, root)
        if looks is None and one.file.endswith((".service", ".conf", ".ini")):
            looks = _in_unit(seen, one)
        if looks is None:
            looks = _in_profile(seen, one, root) or folders.beside(seen, one, root)
        if looks:
            got = f"ModuleNotFoundError: No module named {package.partition('.')[0]!r}"
            expected = f"the folder with {package.partition('.')[0]}/ in it"
            hint = f"It is started in {looks}."
            made = found("deploy-daphne-from-wrong-directory", got, one, expected)
            yield Found(
                made.slug, got, made.place, made.rank, made.tried, expected, hint
            )


def _in_image(seen: Evidence, one: Command, root: str) -> str | None:
    """The folder in which an image starts a server that it does not find there."""
    context = _context(seen, one.file) if is_image(one.file) else None
    if context is None:
        return None
    # Compose may say otherwise, of any image.
    otherwise = r"(?m)^\s*(?:working_dir\s*:|- ?PYTHONPATH|PYTHONPATH\s*:)"
    if mentioned(seen.project, otherwise):
        return None
    if _is_mounted(seen, one.file):
        return None
    image = _read((seen.project / one.file).read_text("utf-8", "replace"), one.line)
    top = (one.target or "").partition(":")[0].partition(".")[0]
    there, some = set[str](), False
    for copied, place in image.copied:
        folder = posixpath.normpath(posixpath.join(context, copied))
        if folder.startswith(posixpath.normpath(posixpath.join(root, top)) + "/"):
            return None  # of a package, one part after the other
        there |= _within(folder, place, root, top)
        some = some or bool(_modules_in(seen, folder))
    if not some and not _holds_nothing(seen, context, image):
        return None
    if not image.sure or there & {image.folder, *image.paths}:
        return None
    return image.folder


def _holds_nothing(seen: Evidence, context: str, image: _Image) -> bool:
    """Whether an image gets none of the project's modules, and only known files."""
    return all(
        (seen.project / context / copied).exists() for copied, _ in image.copied
    ) and not mentioned(seen.project, _SEEN_LATER)


def _within(folder: str, place: str, root: str, top: str) -> set[str]:
    """Where a package lies, once a folder's content has been copied to a place.

    Args:
        folder: what is copied, relative to the project.
        place: where to, in the image.
        root: the folder with the package, relative to the project.
        top: the package, or the module.
    """
    if folder == "." or root == folder or root.startswith(folder + "/"):
        inner = posixpath.relpath(root, folder)
        return {posixpath.normpath(posixpath.join(place, inner))}
    package = posixpath.normpath(posixpath.join(root, top))
    if folder == f"{package}.py":
        named = place.endswith(".py")
        return {posixpath.dirname(place) if named else place}
    # The content of a package, without the folder that gives it its name.
    if folder == package and posixpath.basename(place) == top:
        return {posixpath.dirname(place)}
    return set()


def _modules_in(seen: Evidence, folder: str) -> list[str]:
    """The project's modules in a folder: with none, only lists may be copied."""
    return [
        one.file
        for one in seen.source.modules.values()
        if folder == "." or one.file.startswith(f"{folder}/")
    ]


def _is_mounted(seen: Evidence, file: str) -> bool:
    """Whether a service may see the project itself, over what its image holds."""
    for one in services(seen.project):
        volumes = one.keys.get("volumes")
        if one.dockerfile == file and volumes is not None:
            named = volumes[0] if isinstance(volumes[0], list) else []
            if not named or any(re.match(r"[./~$]", volume) for volume in named):
                return True
    return False


def _context(seen: Evidence, file: str) -> str | None:
    """The folder that an image is built from; None where that is not certain."""
    built = {s.context for s in services(seen.project) if s.dockerfile == file}
    if built or "/" not in file:
        return built.pop() if len(built) < 2 and built else "." if not built else None
    # Not named by anybody: beside it there is what it copies, or only the project has.
    beside = posixpath.dirname(file)
    home = seen.home.relative_to(seen.project).as_posix()
    return None if home == beside or home.startswith(f"{beside}/") else "."


def _read(text: str, last: int) -> _Image:
    """What the lines up to a command make of an image."""
    image = _Image()
    for line, said in logical_lines(text):
        if line > last:
            break
        word, _, rest = said.strip().partition(" ")
        kind, rest = word.upper(), rest.strip()
        if kind == "FROM":
            # One of one's own may hold anything.
            known = re.match(r"(?:[\w./-]*/)?python\b(?!\S*onbuild)", rest)
            image = _Image(sure=bool(known))
        elif kind == "WORKDIR":
            image.folder = posixpath.normpath(posixpath.join(image.folder, rest))
            image.sure = image.sure and "$" not in rest
        elif kind == "ENV" and "PYTHONPATH" in rest:
            _name_paths(image, rest)
        elif kind in ("COPY", "ADD"):
            _copy(image, rest)
        elif (kind == "RUN" and (_INSTALLED.search(rest) or _MOVED.search(rest))) or (
            kind in ("CMD", "ENTRYPOINT") and re.search(r"\bcd\s|\.sh\b", rest)
        ):
            image.sure = False
    return image


def _name_paths(image: _Image, rest: str) -> None:
    told = re.search(r"\bPYTHONPATH(?:=|\s+)[\"']?([^\s\"']*)", rest)
    for path in told[1].split(":") if told else ():
        image.sure = image.sure and not re.search(r"\$(?!\{?PYTHONPATH)", path)
        image.paths.append(posixpath.normpath(posixpath.join(image.folder, path)))


def _copy(image: _Image, rest: str) -> None:
    """``COPY src ./src``: what a folder holds comes to lie in another one."""
    words: list[str] = []
    with suppress(ValueError):
        words = shlex.split(rest)
    if any(word.startswith(("--from", "--parents")) for word in words):
        image.sure = False  # who knows what lay there
        return
    words = [word for word in words if not word.startswith("--")]
    if len(words) < 2 or rest.startswith("["):
        image.sure = False
        return
    to = posixpath.normpath(posixpath.join(image.folder, words[-1]))
    for word in words[:-1]:
        if _LISTS.fullmatch(word):
            continue
        odd = re.search(r"[$*?]|://|\.(?:tar|tgz|zip|whl)\b", word)
        image.sure = image.sure and not odd
        image.copied.append((posixpath.normpath(word.lstrip("/") or "."), to))


def _in_unit(seen: Evidence, one: Command) -> str | None:
    """A unit that names no folder starts its server in the root of the machine.

    A program of supervisor starts where that was started: in the project only by hand,
    and then nobody writes the whole path of the server; or as an image says.
    """
    text = (seen.project / one.file).read_text("utf-8", "replace")
    if one.file.endswith(".service"):
        named = r"(?m)^\s*(WorkingDirectory|RootDirectory)\s*="
        apart, where = r"(?m)^\s*directory\s*=\s*/", "/"
    elif not one.before[0].startswith("/"):
        return None
    else:
        named = r"(?m)^\s*(directory|nodaemon)\s*="
        apart, where = r"\bsupervisord\b", "the folder of supervisord"
    if re.search(rf"{named}|PYTHONPATH|\bcd\s|\.d/", text):
        return None
    if mentioned(seen.project, apart, [one.file]) or _is_packaged(seen.project):
        return None
    return where


def _in_profile(seen: Evidence, one: Command, root: str) -> str | None:
    """A ``Procfile`` starts its server where it lies itself, above ``manage.py``."""
    home = seen.home.relative_to(seen.project).as_posix()
    if one.file != "Procfile" or root == "." or root != home:
        return None
    if _is_packaged(seen.project):
        return None
    if mentioned(seen.project, r"PYTHONPATH|PROJECT_PATH|\bcd\s|\.pth\b"):
        return None
    return "the folder of Procfile"


def _is_packaged(project: Path) -> bool:
    """Whether the project itself may be installed, like any package."""
    told = {"pyproject.toml": "[build-system]", "setup.cfg": "[metadata]"}
    for name, words in told.items():
        with suppress(OSError):
            if words in text_of(project / name):
                return True
    return (project / "setup.py").exists()
