"""What surrounds every child process of ours, wherever we were started."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tutor import browser

QUIET = Path(__file__).with_name("quiet")  # what must do nothing for a child

# What an environment may hold that would change what a learner's project does
# or prints.  PYTHON* and DJANGO_* go as a whole.
_UNWANTED = re.compile(
    r"^(PYTHON|DJANGO_|GIT_|PYTEST_|IPY|JPY_|LC_|FORCE_COLOR|CLICOLOR|COLUMNS|LINES|DAPHNE_"
    r"|REDIS_URL$|DATABASE_URL$|ALLOWED_(ORIGINS|HOSTS)$|NGINX$|(https?|all|no|ftp)_proxy$)",
    re.IGNORECASE,
)
# Those of them that settings ask for.
_ASKED_FOR = re.compile(
    r"^(DJANGO_(?!SETTINGS_MODULE$)|(REDIS|DATABASE)_URL$|ALLOWED_(ORIGINS|HOSTS)$)"
)


def env(**extra: str) -> dict[str, str]:
    """The environment of every child: the caller's, without what would show.

    ``CHROMIUM`` names the browser that we use to the project's own tests.  These get
    none of our plugins that no project needs: a fourth of what their start takes.

    Python writes no bytecode: two edits within one second that leave a file as
    long as it was would otherwise run the older one, since ``.pyc`` files are
    matched by size and whole seconds.
    """
    kept = {k: v for k, v in os.environ.items() if not _UNWANTED.match(k)}
    ours = [str(QUIET), str(Path(sys.executable).parent)]
    path = [*ours, *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    return kept | {
        "PATH": os.pathsep.join(dict.fromkeys(path)),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,  # a person's own git may sign, or ask
        "PYTEST_ADDOPTS": "-p no:nbval -p no:hypothesispytest -p no:valkey",
        "CHROMIUM": os.environ.get("TUTOR_BROWSER") or str(browser.find() or "none"),
        **extra,
    }


def withheld() -> dict[str, str]:
    """What `env` leaves out, and the settings of a project of the caller's may need."""
    return {k: v for k, v in os.environ.items() if _ASKED_FOR.match(k)}
