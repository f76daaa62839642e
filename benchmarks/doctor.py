"""How long a diagnosis takes: a right project, and broken ones of each kind.

Run it with ``python benchmarks/doctor.py``; each figure is a whole command, in
seconds, the best and the worst of three.  The limits are 3 s and 6 s.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tutor.doctor import catalogue, making

ROOT = Path(__file__).resolve().parents[1]
BROKEN = (
    "apps-daphne-missing",
    "asgi-any-import-error-is-masked",
    "routing-leading-slash-in-pattern",
    "consumer-int-payload",
    "consumer-time-sleep-in-async",
    "consumer-never-accepts",
    "consumer-endless-loop-in-handler",
    "consumer-slow-work-in-disconnect",
    "client-path-differs-from-route",
    "consumer-validation-error-not-caught",
    "group-handler-missing-closes-everyone",
    "redis-server-not-running",
    "auth-close-without-return",
    "db-orm-in-async-consumer",
    "worker-no-channel-entry",
)


def main() -> None:
    """Print a line for each project."""
    for step in sorted((ROOT / "steps").glob("[0-9][0-9]-*"))[5:]:
        print(f"{'right: ' + step.name:<40}{measured(step)}", flush=True)
    for slug in BROKEN:
        mistake = catalogue.mistakes()[slug]
        base = next((ROOT / "steps").glob(f"{mistake.base:02}-*"))
        with tempfile.TemporaryDirectory() as folder:
            making.make(mistake, base, Path(folder) / "project")
            print(f"{slug:<40}{measured(Path(folder) / 'project')}", flush=True)


def measured(project: Path) -> str:
    """The best and the worst of three diagnoses, each a command of its own."""
    command = [
        sys.executable,
        "-c",
        "import sys; from tutor import doctor; doctor.main(sys.argv[1:])",
    ]
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([*command, str(project)], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return f"{min(times):.1f} to {max(times):.1f} s"


if __name__ == "__main__":
    main()
