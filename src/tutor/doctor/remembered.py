"""What is found in a project's folder, once while it is judged: many rules ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import TypeVar, cast

Kept = TypeVar("Kept")
_known: ContextVar[dict[object, object] | None] = ContextVar("known", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Remember, until the end of the block, in which nobody may change a file."""
    before = _known.set({})
    try:
        yield
    finally:
        _known.reset(before)


def remembered(
    find: Callable[[Path], Iterable[Kept]],
) -> Callable[[Path], Sequence[Kept]]:
    """Have a function asked once for each folder, where ``remembering`` is on."""

    @wraps(find)
    def asked(project: Path) -> Sequence[Kept]:
        known = _known.get()
        if known is None:
            return [*find(project)]
        if (find, project) not in known:
            known[find, project] = [*find(project)]
        return cast("Sequence[Kept]", known[find, project])

    return asked
