"""What may vary in an output: named rules, read more strictly than nbval reads them.

The file is nbval's (``regex:`` and ``replace:`` in pairs under a ``[name]``).  nbval
drops a pair without a word when ``replace:`` has nothing behind it; here that, and
whatever else is no rule, is refused with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tutor.report import Refusal


@dataclass(frozen=True)
class Rule:
    """Whatever fits `regex` is read as `replace`, in both outputs alike."""

    name: str
    regex: str
    replace: str

    def __call__(self, text: str) -> str:
        return re.sub(self.regex, self.replace, text)


def load(path: Path) -> tuple[Rule, ...]:
    """The rules of a file.

    Raises:
        Refusal: the file is missing, or a line of it is not part of a rule.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise Refusal(f"{path}: can't be read: {error.strerror}") from None


def parse(text: str, path: str = "sanitize.cfg") -> tuple[Rule, ...]:
    """The rules of a text; `path` is for the messages."""
    rules: list[Rule] = []
    name = regex = ""
    for number, line in enumerate(text.splitlines(), start=1):

        def refuse(why: str, at: int = number) -> Refusal:
            return Refusal(f"{path}:{at}: {why}")

        if not line.strip() or line.startswith("#"):
            continue
        key, _, value = line.partition(": ")
        if line.startswith("[") and line.endswith("]"):
            if name:
                raise refuse(f"the rule {name} above has no regex and replace")
            name = line[1:-1]
            if name in [rule.name for rule in rules]:
                raise refuse(f"a second rule {name}")
        elif key == "regex" and value.strip() and name and not regex:
            regex = value
            try:
                re.compile(regex)
            except re.error as error:
                raise refuse(f"not a regular expression: {error}") from None
        elif key == "replace" and value.strip() and regex:
            rules.append(Rule(name, regex, value))
            name = regex = ""
        else:
            raise refuse(
                "expected [name], then 'regex: …', then 'replace: …' with a word in it"
            )
    if name:
        raise Refusal(f"{path}: the rule {name} is not complete")
    return tuple(rules)


def apply(rules: Iterable[Rule], text: str) -> str:
    """The text with every rule applied, in the order of the file."""
    for rule in rules:
        text = rule(text)
    return text
