"""What all words of a cell share: the session, and how their line is read."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics

from tutor.report import Refusal
from tutor.session import Session


class Words(Magics):
    """Some words of a cell."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self.session = session


def number_of(line: str) -> int:
    try:
        return int(line)
    except ValueError:
        raise Refusal(f"A step's number is due here, not {line.strip()!r}.") from None


def options_of(line: str, *known: str) -> tuple[dict[str, str | bool], str]:
    """Leading options of a magic, and the rest of its line.

    ``--creates PATH`` takes a value; the others stand for themselves.
    """
    found: dict[str, str | bool] = dict.fromkeys(known, False)
    rest = line.strip()
    while rest.startswith("--"):
        word, _, rest = rest.partition(" ")
        if word not in found:
            raise Refusal(f"{word} is not known here; known: {', '.join(known)}")
        value: str | bool = True
        if word == "--creates":
            value, _, rest = rest.partition(" ")
        found[word] = value
        rest = rest.strip()
    return found, rest
