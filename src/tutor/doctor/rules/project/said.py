"""What the words of an exception mean that came while a project was loaded."""

from __future__ import annotations

import ast
import re

from tutor.doctor.child import Event
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.found import Place
from tutor.doctor.source import Module

DEEP = 3  # mappings that are made of one another

TEXTS = (
    (
        "python-arguments-differ",
        r"Signal receivers must accept keyword arguments|"
        r"kwargs argument must be a dict|ASGIHandler\.__call__\(\) missing",
    ),
    ("db-wrapper-around-async", r"can only be applied to sync functions"),
    ("routing-include-in-urlrouter", r"include\(\) is not supported in URLRouter"),
    (
        "origin-validator-without-list",
        r"missing 1 required positional argument: 'allowed_origins'",
    ),
    ("apps-missing-comma", r"INSTALLED_APPS setting must be a list or a tuple"),
    ("apps-listed-twice", r"Application labels aren't unique"),
    ("origin-allowed-hosts-is-a-string", r"ALLOWED_HOSTS setting must be a list"),
    ("apps-own-app-missing", r"doesn't declare an explicit app_label"),
    (
        "asgi-router-without-mapping",
        r"(?:ProtocolType|ChannelName)Router.*(__init__\(\)|takes|unexpected|missing)",
    ),
    ("asgi-list-passed-without-urlrouter", r"'list' object is not callable"),
    (
        "asgi-router-without-mapping",
        r"__init__\(\) missing 1 required positional argument: 'application_mapping'",
    ),
    (
        "asgi-urlrouter-without-list",
        r"URLRouter.__init__\(\) (takes|got)|"
        r"__init__\(\) missing 1 required positional argument: 'routes'",
    ),
    ("consumer-type-field-not-literal", r"field '\w+' to be of type `Literal`"),
    (
        "consumer-discriminator-does-not-tell",
        r"needs a discriminator field for key|mapped to multiple",
    ),
    ("routing-view-called", r"missing 1 required positional argument: 'request'"),
    (
        "routing-view-is-no-callable",
        r"view must be a callable|arguments: 'scope', 'receive', and 'send'",
    ),
    (
        "consumer-model-field-without-type",
        r"requires a type annotation|non-annotated attribute was detected",
    ),
    (
        "python-arguments-differ",
        r"\w\(\) (missing \d+ required positional|takes .* positional arguments? but)|"
        r"\w\(\) got (an unexpected keyword|multiple values)",
    ),
    (
        "routing-parameter-misspelled",
        r"uses invalid converter|cannot contain whitespace in angle brackets|"
        r"uses parameter name '.*' which isn't",
    ),
    ("routing-pattern-not-compiled", r'"\S*" is not a valid regular expression'),
)


# What django-environ, python-decouple and environs say.
_UNSET = re.compile(
    r"Set the \w+ environment variable|\w+ not found\. Declare it as envvar|"
    r"Environment variable \"\w+\" not set"
)


def is_of_the_environment(seen: Evidence, links: list[Event], place: Place) -> bool:
    """Whether a variable is missing, which a line asks the environment for."""
    text = " ".join(link["text"] for link in links)
    if _UNSET.search(text):
        return True
    module = seen.source.by_file(place[0] or "")
    if text.startswith("'NoneType' object has no attribute"):
        return any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Call)
            and len(node.value.args) == 1
            and module is not None
            and module.resolve(node.value.func) in ("os.getenv", "os.environ.get")
            for node in seen.nodes_at(place)
        )
    if links[-1]["type"] == "TypeError" and "NoneType" in text:
        return module is not None and any(
            isinstance(node, ast.Call)
            and len(node.args) == 1
            and module.resolve(node.func) in ("os.getenv", "os.environ.get")
            for node in seen.nodes_at(place)
        )
    if links[-1]["type"] != "KeyError":
        return False
    asked = [
        node.slice.value
        for node in seen.nodes_at(place)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and module is not None
        and _is_environment(module, node.value)
    ]
    return any(repr(one) == links[-1]["text"] for one in asked)


def _is_environment(module: Module, node: ast.expr, depth: int = 0) -> bool:
    """Whether it is the environment, or a mapping made of it, of a ``.env`` as well."""
    if module.resolve(node) in ("os.environ", "os.environ.copy()"):
        return True
    parts: list[ast.expr] = []
    if isinstance(node, ast.Name):
        parts = module.values.get(node.id, [])[-1:]
    elif isinstance(node, ast.Call):
        if module.resolve(node.func) == "dotenv.dotenv_values":
            return True
        parts = node.args if module.resolve(node.func) == "builtins.dict" else []
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        parts = [value for key, value in pairs if key is None]
    elif isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    return depth < DEEP and any(
        _is_environment(module, one, depth + 1) for one in parts
    )


def labelled(seen: Evidence, text: str) -> Place | None:
    """Where an app takes the label that another one has, by its folder's name."""
    told = text.rpartition("duplicates: ")[2].strip()
    for owner in seen.source.classes.values():
        given = owner.attributes.get("label")
        folder = owner.module.name.rpartition(".")[0].rpartition(".")[2]
        if getattr(given, "value", "") == told and folder != told:
            return owner.module.file, getattr(given, "lineno", None)
    return None
