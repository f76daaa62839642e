"""What stands around the steps: the first comparison, the symptoms, the glossary."""

from __future__ import annotations

import tutor


async def listen_in(code: str) -> None:
    """Run code in a private Jupyter kernel; print what its WebSocket carries."""
    from tutor import prologue

    await prologue.listen_in(code)


async def compare(numbers: int = 100) -> None:
    """Fetch numbers by polling and by WebSocket; count and draw the bytes."""
    from tutor import pictures, prologue

    pictures.show(await prologue.compare(numbers))


def symptoms(where: str) -> None:
    """Show the known symptoms with their causes, each with its step and its cure.

    Args:
        where: they are seen: in the ``log``, the browser's ``console``, or nowhere
            in words and at the ``client`` only.
    """
    from IPython.display import display

    from tutor.doctor.symptoms import table

    display(table(where))


def glossary() -> None:
    """Print every term of the course with the sentence that introduces it."""
    from tutor.terms import text

    print(text(tutor._current().course))
