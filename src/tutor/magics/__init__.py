"""The words of a cell: ``%step``, ``%%edit``, ``%serve`` and the others.

Each does one thing that a person would do in an editor or a terminal, or shows
what came of it.  What each prints is the same wherever the notebook stands.

`steps` has those that lead through the course, `files` those for the project's files,
`running` those for commands and servers; `words` is what they share.
"""

from __future__ import annotations

from IPython.core.magic import magics_class

from tutor.magics.files import Files
from tutor.magics.files import tree_lines as tree_lines
from tutor.magics.running import Running
from tutor.magics.steps import Steps


@magics_class  # takes what the three have marked
class TutorMagics(Steps, Files, Running):
    """Registered by ``import tutor``."""
