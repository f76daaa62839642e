"""Warm Python: children forked from a process that has the libraries in memory.

Nine tenths of what ``python manage.py check`` takes is importing Django, Twisted
and autobahn, and a course starts Python some sixty times.  So one process, the
`nursery`, imports them once and waits; each child is forked from it and runs its
own command, its own settings, its own project.

Linux only; elsewhere, and with ``TUTOR_COLD=1``, every child starts cold, and so
does one that needs an interpreter of its own.  Between the two nothing differs but
the time (``tests/test_warm.py``).

`nursery` is that process, `forking` our side of it, `process` a child, and `ending` how
it ends; `libraries` says what is in memory, `commands` which commands can run.
"""

from tutor.warm.commands import possible as possible
from tutor.warm.commands import understood as understood
from tutor.warm.forking import HANDED_DOWN as HANDED_DOWN
from tutor.warm.forking import PATIENCE as PATIENCE
from tutor.warm.forking import Nursery as Nursery
from tutor.warm.libraries import KERNEL as KERNEL
from tutor.warm.process import WarmProcess as WarmProcess
