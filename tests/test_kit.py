"""The kit: made from a small course, installed and run with the network off.

The real one takes a minute and proves itself: ``make offline-kit``.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tutor import kit
from tutor.__main__ import main
from tutor.report import Refusal

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.takes(40)
ALONE = """
import socket, tiny
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
try:
    socket.create_connection(("192.0.2.1", 80), 5)  # RFC 5737: nobody
except OSError as error:
    print(tiny.WORDS, error.strerror)
"""


def wheel(folder: Path) -> str:
    """A wheel of the package ``tiny``; its line in a lock."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    files = {
        "tiny.py": "WORDS = 'tiny is here'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n"
        ),
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"tiny==1.0 \\\n    --hash=sha256:{digest}\n"


def git(folder: Path, *argv: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *argv],
        cwd=folder,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that needs one package, and the place that has it."""
    root = tmp_path_factory.mktemp("kit") / "mein Kurs ä"
    (root / "src").mkdir(parents=True)
    (root / "src/tutor.py").write_text("")
    shutil.copytree(ROOT / ".ci", root / ".ci")
    shutil.copy(ROOT / ".gitignore", root)
    (root.parent / "index").mkdir()
    (root / kit.LOCK).write_text(wheel(root.parent / "index"))
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    return root


@pytest.fixture
def index(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds packages in a folder, so that this test needs no network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", (course.parent / "index").as_uri())
    monkeypatch.setenv("TUTOR_ROOT", str(course))
    monkeypatch.setenv("PYTHON", sys.executable)


@pytest.fixture(scope="module")
def folder(course: Path) -> Path:
    """The kit, made once."""
    with pytest.MonkeyPatch.context() as patch:
        index.__wrapped__(course, patch)  # type: ignore[attr-defined]
        kit.make(course, course.parent / "the kit")
    return course.parent / "the kit"


def test_it_is_a_clone_with_its_wheels(folder: Path, course: Path) -> None:
    wheels = {path.name for path in (folder / kit.WHEELS).iterdir()}
    assert wheels == {"tiny-1.0-py3-none-any.whl", "python", "for"}
    assert kit._said("git", "-C", str(folder), "status", "--porcelain") == ""
    assert kit._said("git", "-C", str(folder), "remote") == ""
    head = ("rev-parse", "HEAD")
    assert kit._said("git", "-C", str(folder), *head) == kit._said(
        "git", "-C", str(course), *head
    )


@pytest.mark.parametrize("no_uv", ["", "1"], ids=["uv", "pip"])
def test_it_installs_and_runs_alone(
    folder: Path, no_uv: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the network off, where the system lets us; else with it led astray."""
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("NO_UV", no_uv)
    monkeypatch.setenv(
        "PATH", f"{Path(sys.executable).parent}:{kit.os.environ['PATH']}"
    )
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    out = tmp_path / "out"
    run = f".ci/bootstrap && .venv/bin/python -P {script} >{out}"
    said = kit.prove(folder, ["sh", "-c", run])
    assert said.startswith("Proved with ")
    assert out.read_text().startswith("tiny is here ")
    if kit.alone()[0]:
        assert "the network off" in said
        assert out.read_text() == "tiny is here Network is unreachable\n"
    else:
        assert "lead nowhere" in said


def test_without_a_namespace_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    prefix, how = kit.alone()
    assert prefix == [] and "a proxy and an index that lead nowhere" in how
    env = kit.environment(Path("/home"))
    assert {env["https_proxy"], env["PIP_INDEX_URL"]} == {kit.NOWHERE}
    assert not {"PIP_FIND_LINKS", "TUTOR_ROOT", "VIRTUAL_ENV"} & set(env)


def test_what_does_not_work_is_no_kit(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "kit"
    shutil.copytree(folder, broken)
    (broken / kit.WHEELS / "tiny-1.0-py3-none-any.whl").unlink()
    with pytest.raises(Refusal) as refused:
        kit.prove(broken, [".ci/bootstrap"])
    assert "The kit does not work: .ci/bootstrap with " in str(refused.value)
    assert f"are for {kit._system()}; this is Python" in str(refused.value)


@pytest.mark.usefixtures("index")
def test_only_a_kit_is_replaced(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "holiday pictures"
    mine.mkdir()
    assert main(["offline-kit", str(mine)]) == 1
    assert f"{mine} is there and is no kit" in capsys.readouterr().err
    assert mine.is_dir()


@pytest.mark.usefixtures("index")
def test_a_package_without_a_wheel_ends_it(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", tmp_path.as_uri())
    with pytest.raises(Refusal, match="tiny"):
        kit.make(course, tmp_path / "kit")
    assert list(tmp_path.iterdir()) == [], "nothing half is left"


@pytest.mark.usefixtures("index")
def test_the_verb(
    course: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Again over an older one; what is not committed is said to be left out."""
    lock = course / kit.LOCK
    before = lock.read_text()
    lock.write_text(before + "\n")
    try:
        assert main(["offline-kit", str(folder), "--unproved"]) == 0
    finally:
        lock.write_text(before)
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "Not in the kit: 1 files not committed."
    assert f"Made {folder}: 0 MB, for {kit._system()}." in said
    assert said.splitlines()[-1].endswith("in it: make lab")
