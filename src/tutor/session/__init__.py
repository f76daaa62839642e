"""The kernel's one session: which step, in which folder, with which server.

What the magics of one kernel share is one object, made in three layers: `project` is
the folder and its files, `running` what runs for the cells in it, `steps` the way
through the course.  `logs` cuts a server's log into entries.
"""

from tutor.session.running import words as words
from tutor.session.steps import Session as Session
