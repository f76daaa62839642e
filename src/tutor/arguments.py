"""What a person typed after a verb, where it makes no sense: one line says so."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Collection, Sequence
from typing import NoReturn

from tutor.report import Refusal

ALWAYS = ("h", "help", "help-all", "V", "version")  # what any program of Jupyter knows


class Arguments(argparse.ArgumentParser):
    """A parser without argparse's usage before what it has to say."""

    def error(self, message: str) -> NoReturn:
        """Refuse in one line.

        Raises:
            Refusal: always.
        """
        raise Refusal(f"{self.prog}: {message}")


def refuse_unknown(
    verb: str,
    argv: Sequence[str],
    flags: Collection[str],
    valued: Collection[str],
) -> None:
    """Refuse what Jupyter would answer with its whole usage, or pass over.

    Args:
        verb: what was typed before it, such as ``lab``.
        argv: what goes to Jupyter.
        flags: names of its options that stand alone.
        valued: names of those that take a value.

    Raises:
        Refusal: an option is not known, its value is missing, or it takes none.
    """
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    for word, following in zip(words, [*words[1:], "-"], strict=True):
        option, equals, _ = word.partition("=")
        name = option.lstrip("-")
        if name == option or not name or name in ALWAYS:
            continue  # no option, or a value
        known = name in flags or name in valued or "." in name
        if not known:
            close = difflib.get_close_matches(name, [*flags, *valued], 1)
            meant = (
                f"did you mean --{close[0]}?"
                if close
                else f"make {verb} ARGS=--help lists them."
            )
            raise Refusal(f"make {verb}: JupyterLab has no option {option}; {meant}")
        if name in flags and name not in valued and equals:
            raise Refusal(f"make {verb}: {option} takes no value.")
        if name not in flags and not equals and following.startswith("-"):
            raise Refusal(f"make {verb}: {option} needs a value: {option}=...")
