"""The referee: eight points for any live board, told by what it does.

A board says in ``board.toml`` where its socket is and what its messages look like.
The referee runs a copy of it, as strangers, watchers and accidents would meet it.
"""

from tutor.referee.cli import main
from tutor.referee.match import played
from tutor.referee.points import POINTS, Score

__all__ = ["POINTS", "Score", "main", "played"]
