"""The proof itself, proven: what must fail fails, and says where and why."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest

from tutor import notebook
from tutor.prove import kernels

from .conftest import Prove, Run, book, code, printed, shown, text

pytestmark = pytest.mark.takes(40)

REASON = "the time is another one at each run"


def exempt(source: str, *outputs: dict[str, Any], **tutor: Any) -> dict[str, Any]:
    metadata = {"tags": ["nbval-ignore-output"], "tutor": tutor}
    return code(source, *outputs, metadata=metadata)


def uncounted(nb: dict[str, Any]) -> str:
    """The file of a notebook whose counts are null; ours is never written so."""
    raw = notebook.canonical(nb)
    for cell in notebook.code_cells(raw):
        cell["execution_count"] = None
    return json.dumps(raw)


DOT = base64.b64encode(b"a picture").decode()
PICTURE = f"display({{'image/png': '{DOT}'}}, raw=True)"
NEVER = "import asyncio; await asyncio.Event().wait()"
ENVIRONMENT = "import os; print([k for k in os.environ if k.startswith('PYTEST_')])"
CHILD = "import subprocess, sys; _ = subprocess.run([sys.executable, '-c', 'print(7)'])"
# Where others work too, the thread that takes in what children print may wait for its
# turn until their cell has ended; here it waits half a second each time.
BUSY = """
import os, threading, time
def read(*args, now=os.read):
    if threading.current_thread() is not threading.main_thread():
        time.sleep(0.5)
    return now(*args)
os.read = read; _ = os.write(1, b'6\\n')
"""

BOOKS: dict[str, Any] = {
    "good": book(
        text("## Step 4. The door", step=4),
        code("import time; x = 6"),
        code("print(x * 7)", printed("42\n")),
        code(PICTURE, shown("image/png", DOT)),
        code(ENVIRONMENT, printed("[]\n")),
        code(CHILD, printed("7\n")),
        code("import sys; print('rfc3987_syntax' in sys.modules)", printed("False\n")),
        exempt("print(time.time_ns())", printed("1\n"), reason=REASON),
    ),
    "busy": book(code(BUSY, printed("6\n")), code(CHILD, printed("7\n"))),
    "changed": book(
        code("pass"),
        text("## Step 4. The door", step=4),
        text("text\n\n### Who gets in\n\nmore"),
        code("print('a\\nb\\nc')", printed("a\nB\nc\n")),
        code("print('after')", printed("after\n")),
        code("print('after')", printed("after\n")),
    ),
    "fails": book(
        code("def deep():\n    return 1 / 0"), code("deep()"), code("1"), code("2")
    ),
    "dies": book(code("import ctypes; ctypes.string_at(0)"), code("1")),
    "hangs": book(code(NEVER), code("1")),
    "null_silent": uncounted(book(code("pass"))),
    "null_printing": uncounted(book(code("print(1)", printed("1\n")))),
    "null_picture": book(code(PICTURE, shown("image/png", DOT[:-4] + "ZZZZ"))),
    "html": book(
        code(
            "display({'text/html': '<p><b>b</b></p>', 'text/plain': 'x'}, raw=True)",
            shown("text/html", "<p><b>a</b></p>")
            | {"data": {"text/html": "<p><b>a</b></p>", "text/plain": "x"}},
        )
    ),
    "newline": book(code("print('a', end='')", printed("a\n"))),
    "line_break": book(
        code(
            "display({'text/html': '<b></b>'}, raw=True)",
            shown("text/html", "<b>\n</b>"),
        )
    ),
    "idle_exemption": book(exempt("print(1)", printed("1\n"), reason=REASON)),
    "chance": book(
        code(
            "import pathlib; p = pathlib.Path('chance'); n = p.exists(); "
            "_ = p.write_text('')"
        ),
        exempt("print(n)", printed("False\n"), reason=REASON),
    ),
    "no_reason": book(exempt("print(2)", printed("1\n"))),
    "comment": book(code("# NBVAL_IGNORE_OUTPUT\nprint(2)", printed("1\n"))),
    "skipped": book(code("1 / 0", metadata={"tags": ["nbval-skip"]})),
    "raises": book(code("pass", metadata={"tags": ["raises-exception"]})),
    "stored_error": book(
        code(
            "1 / 0",
            {
                "output_type": "error",
                "ename": "ZeroDivisionError",
                "evalue": "division by zero",
                "traceback": [],
            },
            metadata={"tags": ["raises-exception"]},
        )
    ),
    "stored_stderr": book(
        code("import sys; print('oh', file=sys.stderr)", printed("oh\n", "stderr"))
    ),
    "exempt_stderr": book(
        exempt("import sys; print('oh', file=sys.stderr)", reason=REASON)
    ),
}


@pytest.fixture(scope="module")
def run(prove: Prove) -> Run:
    """All of them at once, two at a time; a hanging cell is given up after 4 s."""
    return prove("-n2", "--dist=loadfile", "--nbval-cell-timeout=4", "-ra", **BOOKS)


def test_a_good_notebook_passes_whole(run: Run) -> None:
    assert run.outcomes("good") == ["passed"] * 7, run.out


def test_what_a_child_prints_belongs_to_its_cell_on_a_busy_machine(run: Run) -> None:
    assert run.outcomes("busy") == ["passed"] * 2, run.out


def test_a_changed_output_fails_with_a_plain_diff_and_its_place(run: Run) -> None:
    assert run.outcomes("changed") == ["passed", "failed", "skipped", "skipped"]
    said = run.cases["changed.ipynb::Cell 2"].said
    assert (
        'changed.ipynb, code cell 2 (In [2]), step 4, under "Who gets in"\n'
        "prints something else than the notebook holds:"
    ) in said
    assert (
        "--- stored in the notebook\n+++ printed now\n@@ -1,3 +1,3 @@\n a\n-B\n+b\n c\n"
    ) in said
    assert "make checkpoints" in said


def test_what_failed_stops_its_notebook_and_no_other(run: Run) -> None:
    assert run.outcomes("fails") == ["passed", "failed", "skipped", "skipped"]
    said = run.cases["fails.ipynb::Cell 2"].said
    assert "ZeroDivisionError: division by zero" in said and "\x1b" not in said
    assert "Cell 2 failed above it" in run.cases["fails.ipynb::Cell 4"].said


def test_a_kernel_that_dies_is_noticed_at_once_with_its_last_words(run: Run) -> None:
    assert run.outcomes("dies") == ["failed", "skipped"]
    died = run.cases["dies.ipynb::Cell 1"]
    assert "the kernel died" in died.said and "signal SIGSEGV" in died.said
    assert died.seconds < 4, "waited for the cell's time limit"


def test_an_endless_await_is_given_up(run: Run) -> None:
    assert run.outcomes("hangs") == ["failed", "skipped"]
    hung = run.cases["hangs.ipynb::Cell 1"]
    assert "still running after 4 s" in hung.said
    assert hung.seconds < 15, "waited for late outputs of a cell that was given up"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("null_silent", "count is null"),
        ("null_printing", "count is null"),
        ("no_reason", "does not say why"),
        ("comment", "does not say why"),
        ("skipped", "no cell of ours is"),
        ("raises", "no cell of ours is"),
        ("stored_error", "stored ZeroDivisionError"),
        ("stored_stderr", "stored stderr"),
        ("exempt_stderr", "prints to stderr"),
    ],
)
def test_a_proof_of_nothing_fails(run: Run, name: str, why: str) -> None:
    assert run.outcomes(name) == ["failed"]
    assert why in run.cases[f"{name}.ipynb::Cell 1"].said


def test_pictures_and_html_are_compared(run: Run) -> None:
    assert run.outcomes("null_picture") == run.outcomes("html") == ["failed"]
    assert "<9 bytes, sha256" in run.cases["null_picture.ipynb::Cell 1"].said
    said = run.cases["html.ipynb::Cell 1"].said
    assert " <p>\n-<b>a</b>\n+<b>b</b>\n </p>\n [text/plain]\n x" in said


def test_line_breaks_count_too(run: Run) -> None:
    assert run.outcomes("newline") == run.outcomes("line_break") == ["failed"]
    assert "-a\n+a[no newline at the end]\n" in run.cases["newline.ipynb::Cell 1"].said
    assert "-<b>\n-</b>\n+<b></b>\n" in run.cases["line_break.ipynb::Cell 1"].said


def test_an_exemption_no_longer_needed_fails(run: Run) -> None:
    assert run.outcomes("idle_exemption") == ["failed"]
    assert "no longer needed" in run.cases["idle_exemption.ipynb::Cell 1"].said


def test_equal_once_is_chance(run: Run) -> None:
    assert run.outcomes("chance") == ["passed", "passed"], run.out


def test_the_end_counts_what_was_proven_and_what_was_not(run: Run) -> None:
    line = "21 notebooks: 11 cells compared, 2 not compared, 18 failed, 6 not run"
    assert line in run.out
    assert f"good.ipynb::Cell 7: {REASON}" in run.out
    assert f"chance.ipynb::Cell 2: {REASON}" in run.out


def test_what_ran_is_kept_with_its_fresh_outputs(run: Run, folder: Path) -> None:
    ran = folder / "build" / "executed" / "changed.ipynb"
    assert ran.read_text() == notebook.dump(json.loads(ran.read_text()))
    outputs = [cell["outputs"] for cell in notebook.code_cells(notebook.read(ran))]
    assert outputs == [[], [printed("a\nb\nc\n")], [], []]


def test_running_changes_no_notebook(run: Run, folder: Path) -> None:
    for name, nb in BOOKS.items():
        expected = nb if isinstance(nb, str) else notebook.dump(nb)
        assert (folder / f"{name}.ipynb").read_text() == expected


THREE = {
    "three": book(code("x = 1"), code("x += 1"), code("print(x)", printed("2\n"))),
    "one": book(code("pass")),
}


def test_one_chosen_cell_brings_its_notebook(prove: Prove) -> None:
    chosen = prove("three.ipynb::Cell 3", three=THREE["three"])
    assert chosen.outcomes("three") == ["passed"] * 3
    by_word = prove("-k", "Cell and 3", **THREE)
    assert by_word.outcomes("three") == ["passed"] * 3
    assert by_word.outcomes("one") == []
    assert "1 deselected" in by_word.out


def test_last_failed_runs_the_whole_notebook(prove: Prove) -> None:
    wrong = book(code("x = 1"), code("x += 1"), code("print(x)", printed("3\n")))
    first = prove(three=wrong, one=THREE["one"])
    assert first.outcomes("three") == ["passed", "passed", "failed"]
    again = prove("-n2", "--dist=loadfile", "--lf", **THREE)
    assert again.code == 0, again.out
    assert again.outcomes("three") == ["passed"] * 3
    assert again.outcomes("one") == []


def test_the_longest_notebook_runs_first(prove: Prove, folder: Path) -> None:
    run = prove("-p", "no:cacheprovider", **dict(reversed(THREE.items())))
    assert [case.partition(".")[0] for case in run.cases][::3] == ["three", "one"]
    cache = folder / ".pytest_cache" / "v" / "tutor" / "seconds"
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text('{"one.ipynb": 70, "three.ipynb": 60, "gone.ipynb": 80}')
    timed = prove("-n1", "--dist=loadfile", **THREE)
    assert next(iter(timed.cases)).startswith("one"), timed.cases
    took = json.loads(cache.read_text())
    assert took["gone.ipynb"] == 80
    assert 0 < took["one.ipynb"] < 70 and 0 < took["three.ipynb"] < 60


def test_a_file_says_that_it_takes_long(prove: Prove, folder: Path) -> None:
    slow = "import pytest\npytestmark = pytest.mark.takes(300)\ndef test_it(): pass\n"
    (folder / "test_slow.py").write_text(slow)
    run = prove("one.ipynb", "test_slow.py", one=THREE["one"])
    first, *_, last = run.cases
    assert "test_slow" in first and "one" in last, run.cases


@pytest.mark.parametrize("dist", [(), ("--dist=worksteal",), ("--dist=loadgroup",)])
def test_a_notebook_torn_apart_is_refused(prove: Prove, dist: tuple[str]) -> None:
    run = prove("-n2", *dist, one=THREE["one"])
    assert run.code != 0 and not run.cases
    assert re.search(
        r"--dist \w+ tears .*: add --dist loadfile$", run.out, re.MULTILINE
    )
    assert "Traceback" not in run.out


def test_a_kernel_that_does_not_start_says_why_once(prove: Prove, folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'kernel_main' in str(sys.orig_argv): sys.exit('no kernel today')\n"
    )
    path = os.pathsep.join(["site", os.environ.get("PYTHONPATH", "")])
    run = prove(env={"PYTHONPATH": path, "TUTOR_COLD": "1"}, three=THREE["three"])
    assert run.outcomes("three") == ["error", "skipped", "skipped"]
    said = run.cases["three.ipynb::Cell 1"].said
    assert "did not start" in said and "no kernel today" in said
    assert "kernels.py" not in said, "a traceback of ours"


SEEN_BY_A_CELL = """
import asyncio, json, os, signal, sys, threading
from pathlib import Path
_ = Path("seen.json").write_text(json.dumps({
    "module": __name__,
    "argv": sys.argv[1:2],
    "path": sys.path,
    "folder": os.getcwd(),
    "safe": sys.flags.safe_path,
    "signals": {s.name: repr(signal.getsignal(s)) for s in signal.Signals},
    # import tutor takes the one; the other is for kernels that nobody guards
    "environment": sorted(set(os.environ) - {"TUTOR_NURSERY", "JPY_PARENT_PID"}),
    "modules": [m for m in sys.modules if m.startswith(("tutor", "django", "pytest"))],
    "thread": threading.current_thread() is threading.main_thread(),
    "loop": type(asyncio.get_running_loop()).__name__,
}))
_ = Path("parent").write_text(Path(f"/proc/{os.getppid()}/cmdline").read_text())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_a_cell_cannot_tell_a_forked_kernel(prove: Prove, folder: Path) -> None:
    seen, forked = [], []
    for cold in ("", "1"):
        run = prove(env={"TUTOR_COLD": cold}, one=book(code(SEEN_BY_A_CELL)))
        assert run.outcomes("one") == ["passed"]
        seen.append(json.loads((folder / "seen.json").read_text()))
        forked.append("nursery.py" in (folder / "parent").read_text())
    assert forked == [True, False]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("cold", ["", "1"])
def test_a_kernel_on_a_safe_path_finds_what_the_caller_names(
    cold: str, prove: Prove, tmp_path: Path
) -> None:
    (tmp_path / "named_by_the_caller.py").touch()
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    env = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "TUTOR_COLD": cold}
    run = prove(env=env, one=book(code("import named_by_the_caller")))
    assert run.outcomes("one") == ["passed"], run.out


def test_an_interrupted_forked_kernel_goes_on(prove: Prove) -> None:
    sleeps = code("import time\ntime.sleep(60)", printed("never\n"))
    run = prove("--nbval-cell-timeout=2", one=book(sleeps))
    assert run.outcomes("one") == ["failed"]
    assert "was still running after 2 s" in run.cases["one.ipynb::Cell 1"].said


def test_lax_is_refused(prove: Prove) -> None:
    run = prove("--nbval-lax", one=THREE["one"])
    assert run.code != 0 and "compares nothing" in run.out


def test_a_rule_that_nbval_would_drop_is_refused(prove: Prove, folder: Path) -> None:
    (folder / "bad.cfg").write_text("[port]\nregex: \\d+\nreplace:\n")
    run = prove("--nbval-sanitize-with=bad.cfg", one=THREE["one"])
    assert run.code != 0 and "bad.cfg:3: expected" in run.out
    assert "Traceback" not in run.out


def test_rules_hold_for_both_sides_and_only_what_fits(
    prove: Prove, folder: Path
) -> None:
    (folder / "good.cfg").write_text(
        "# comment\n[port]\nregex: port [1-9]\\d+\nreplace: port N\n"
    )
    run = prove(
        "--nbval-sanitize-with=good.cfg",
        fits=book(code("print('port 80')", printed("port 8000\n"))),
        fits_not=book(code("print('port 0')", printed("port 8000\n"))),
    )
    assert run.outcomes("fits.") == ["passed"]
    assert run.outcomes("fits_not") == ["failed"]
    assert "-port N\n+port 0\n" in run.cases["fits_not.ipynb::Cell 1"].said


def test_without_notebooks_the_plugin_is_silent(prove: Prove, folder: Path) -> None:
    (folder / "test_plain.py").write_text("def test_it():\n    assert 1\n")
    run = prove("test_plain.py", "-n2")
    assert run.code != 0, "nbval is on in the ini file, so -n needs its --dist"
    run = prove("test_plain.py")
    assert run.code == 0 and "proof" not in run.out


def test_the_slow_import_is_kept_from_pytest_alone(tmp_path: Path) -> None:
    ask = "import sys; print('rfc3987_syntax' in sys.modules)"
    again = f"s.run([sys.executable, '-c', {ask!r}])"
    out = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import tutor.prove, subprocess as s; {ask}; sys.stdout.flush(); {again}",
        ],
        check=False,
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert out.stdout.split() == ["True", "False"], out.stderr


@pytest.mark.parametrize(("ci", "outcome"), [("", "skipped"), ("true", "failed")])
def test_a_cell_without_its_browser_is_left_out_but_in_ci(
    prove: Prove, ci: str, outcome: str
) -> None:
    said = "No browser was found. Open this in yours and watch: http://127.0.0.1:8000/"
    nb = book(code(f"print({said!r})", printed("→ open /\n")), code("x = 6"))
    ran = prove("-p", "tutor.verdict", nobrowser=nb, env={"CI": ci})
    assert ran.outcomes("nobrowser")[0] == outcome
    if outcome == "skipped":
        assert ran.code == 0 and ran.outcomes("nobrowser") == ["skipped", "passed"]


def test_of_a_machine_that_stands_still_a_cell_loses_no_more_than_a_heartbeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock leaps at every look for a message, which comes at the third."""
    kernel, clock = kernels.Kernel.__new__(kernels.Kernel), [0.0]

    def hear(timeout: float) -> str:
        clock[0] += 60.0
        if clock[0] != 180.0:
            raise Empty
        return "here"

    kernel.kc = SimpleNamespace(get_iopub_msg=hear, get_shell_msg=hear)
    kernel.km = object()
    monkeypatch.setattr(kernel, "is_alive", lambda: True)
    monkeypatch.setattr(kernels.time, "monotonic", lambda: clock[0])
    assert kernel.get_message("iopub", timeout=6) == "here"
    with pytest.raises(Empty):
        kernel.get_message("shell", timeout=6)
    assert 3 + 6 / kernels.HEARTBEAT <= clock[0] / 60 <= 5 + 6 / kernels.HEARTBEAT


def test_a_temporary_folder_may_have_a_long_name(prove: Prove, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)  # a socket's name has to be shorter
    deep.mkdir()
    nb = book(code("print(1)", printed("1\n")))
    run = prove("-n0", env={"TMPDIR": str(deep)}, deep=nb)
    assert run.code == 0, run.out
