"""Step 16: settings from the environment, nginx with TLS, and what starts it all."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tutor import children, exercises, machines, nginx, places, sites, trees
from tutor.checks import talk
from tutor.checks.deployment import HOSTS, KEY, NO_DEBUG, PRODUCTION
from tutor.checks.fronted import SITE, site_of
from tutor.checks.steps import check_step
from tutor.course import Course, Section
from tutor.doctor import proxies
from tutor.doctor.diagnosis import diagnose
from tutor.report import Refusal
from tutor.servers import HOST, Server

pytestmark = pytest.mark.takes(50)

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "deploy")
TREE = COURSE.root / "steps" / STEP.folder
CONF = TREE / "deploy" / "nginx.conf"
SETTINGS = "webapp/settings.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(TREE, tmp_path)
    return tmp_path


def change(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1))


def manage(project: Path, *words: str, **extra: str) -> children.Result:
    return children.run(["python", "manage.py", *words], project, 60, extra)


# -- the settings ----------------------------------------------------------------------


@pytest.mark.parametrize("said", ["no", "0", "False", "false", "True", "1", "on"])
def test_only_one_word_is_development(project: Path, said: str) -> None:
    done = manage(project, "check", DJANGO_DEBUG=said)
    assert done.code and "DJANGO_SECRET_KEY is not set" in done.out


def test_the_key_of_development_is_refused_by_name_as_well(project: Path) -> None:
    key = {"DJANGO_SECRET_KEY": "django-insecure-for-development-only"}
    done = manage(project, "check", **NO_DEBUG, **HOSTS, **key)
    assert done.code and "DJANGO_SECRET_KEY is not set" in done.out
    done = manage(project, "check", **NO_DEBUG, **KEY, ALLOWED_HOSTS="")
    assert done.code and "ALLOWED_HOSTS is not set" in done.out


def test_a_server_and_a_worker_refuse_too(project: Path) -> None:
    for argv in (
        ["daphne", "-p", "0", "webapp.asgi:application"],
        ["python", "manage.py", "runworker", "measure", "--layer", "jobs"],
    ):
        done = children.run(argv, project, 60, NO_DEBUG)
        assert done.code and not done.timed_out
        assert "ImproperlyConfigured: DJANGO_SECRET_KEY is not set." in done.out


def test_no_secret_is_in_the_tree(project: Path) -> None:
    for name, content in trees.files(project).items():
        for word in (b"PRIVATE KEY", b"DJANGO_SECRET_KEY="):
            assert word not in content, name
    assert not list(project.rglob(".env*"))


# -- the check -------------------------------------------------------------------------

BROKEN = {
    "always in development": (SETTINGS, "== 'yes'", "!= 'no!'", "without a key"),
    "a key for everybody": (
        SETTINGS,
        "if value == development and not DEBUG",
        "if name != 'DJANGO_SECRET_KEY' and value == development and not DEBUG",
        "without a key",
    ),
    "hosts for nobody": (
        SETTINGS,
        "if value == development and not DEBUG",
        "if name != 'ALLOWED_HOSTS' and value == development and not DEBUG",
        "without hosts",
    ),
    "no HSTS": (SETTINGS, "    SECURE_HSTS_SECONDS = 3600", "    pass", "--deploy"),
    "no folder": (SETTINGS, "STATIC_ROOT =", "STATIC_PLACE =", "collectstatic"),
    "any scheme": (SETTINGS, "f'https://{host}'", "host", "over http none"),
    "needs a key at home": (SETTINGS, "'yes') == 'yes'", "'no') == 'yes'", "ready for"),
}


@pytest.mark.parametrize(("file", "old", "new", "title"), BROKEN.values(), ids=BROKEN)
def test_the_check_says_what_is_wrong(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    old: str,
    new: str,
    title: str,
) -> None:
    monkeypatch.setenv("TUTOR_NGINX", "none")
    change(project, file, old, new)
    first = next(check for check in check_step(project, "deploy") if check.problem)
    assert title in first.title


def test_without_an_nginx_it_is_left_out_and_says_why(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTOR_NGINX", "none")
    checks = check_step(project, "deploy")
    assert not any(check.problem for check in checks)
    left = [check.left_out for check in checks if check.left_out]
    assert len(left) == 2 and all(nginx.NONE in reason for reason in left)


@pytest.mark.nginx
@pytest.mark.parametrize(
    ("old", "new", "got"),
    [
        ("proxy_set_header Upgrade $http_upgrade;", "", "404 for the socket"),
        ("$remote_addr", "$proxy_add_x_forwarded_for", "the log has 203.0.113.9"),
        ("listen 443 ssl;", "listen 443 ssl; nonsense on;", 'directive "nonsense"'),
    ],
    ids=["no upgrade", "forged", "nonsense"],
)
def test_the_check_reads_the_projects_own_words(
    project: Path, nginx_path: Path, old: str, new: str, got: str
) -> None:
    change(project, nginx.FILE, old, new)
    problems = [one.problem for one in check_step(project, "deploy") if one.problem]
    assert got in problems[0].got


def test_elsewhere_or_nowhere_its_words_are_found(project: Path) -> None:
    assert site_of(project) == CONF.read_text()
    (project / nginx.FILE).rename(project / "nginx.txt")
    assert site_of(project) == CONF.read_text()
    (project / "nginx.txt").unlink()
    assert site_of(project) == SITE


# -- nginx -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("front")


@pytest.fixture(scope="module")
def served(place: Path) -> Iterator[Server]:
    trees.copy(TREE, place)
    argv = ["daphne", "--proxy-headers", "webapp.asgi:application"]
    server = Server(argv, place, PRODUCTION)
    assert server.ready()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def front(nginx_path: Path, place: Path, served: Server) -> Iterator[nginx.Front]:
    with nginx.front(place, CONF.read_text(), [served]) as one:
        yield one


def status(entry: sites.Entry, path: str, name: str = nginx.NAME) -> tuple[int, str]:
    link = sites.link(entry)
    link.request("GET", path, headers={"Host": name})
    answer = link.getresponse()
    link.close()
    return answer.status, answer.getheader("Location", "")


@pytest.mark.nginx
def test_http_leads_to_https_with_its_path(front: nginx.Front) -> None:
    found = status(front.entry("http"), "/a/?b=c")
    assert found == (301, "https://board.example/a/?b=c")


@pytest.mark.nginx
def test_a_name_that_is_none_of_ours_is_refused(front: nginx.Front) -> None:
    assert status(front.entry("https"), "/", "evil.example")[0] == 400


@pytest.mark.nginx
def test_clients_trust_this_certificate_and_no_other(front: nginx.Front) -> None:
    entry = front.entry("https")
    stranger = sites.Entry(
        entry.name, entry.port, sites.Certificate(ssl.create_default_context(), ""), 0
    )
    with pytest.raises(ssl.SSLCertVerificationError):
        status(stranger, "/")
    with pytest.raises(ssl.SSLCertVerificationError):
        status(front.entry("https", "evil.example"), "/")


@pytest.mark.nginx
def test_a_socket_of_another_origin_is_refused(front: nginx.Front) -> None:
    entry = front.entry("wss")
    for origin, wanted in ((entry.url, 101), ("http://board.example", 403)):
        opening = talk.opened(entry.ws + talk.PRACTICE, origin, at=entry)

        async def knock(opening: object = opening) -> int:
            from websockets.exceptions import InvalidStatus

            try:
                async with opening:  # type: ignore[attr-defined]
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

        assert talk.run(knock()) == wanted


@pytest.mark.nginx
def test_it_goes_with_its_parent(front: nginx.Front, place: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tutor import nginx\n"
        "one = nginx.Front(Path(sys.argv[1]))\n"
        "one.start(Path(sys.argv[2]).read_text(), [])\n"
        "print(one.ports[443], flush=True)\ntime.sleep(60)\n"
    )
    import sys

    parent = subprocess.Popen(
        [sys.executable, "-P", "-c", script, str(place), str(CONF)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    port = int(parent.stdout.readline())
    link = http.client.HTTPConnection(HOST, port, timeout=5)
    link.connect()
    parent.kill()
    parent.wait()
    assert link.sock.recv(1) == b""  # closed from the other side: it has ended
    link.close()
    parent.stdout.close()


@pytest.mark.nginx
def test_what_it_refuses_is_said_with_file_and_line(
    nginx_path: Path, place: Path
) -> None:
    site = "server {\n    listen 80;\n    nonsense on;\n}\n"
    with pytest.raises(Refusal) as told, nginx.front(place, site, []):
        pass
    assert 'unknown directive "nonsense" in deploy/nginx.conf:3' in str(told.value)


def test_ports_paths_and_certificates_are_ours(tmp_path: Path) -> None:
    one = nginx.Front(tmp_path)
    try:
        text = one.localised(CONF.read_text(), [4711])
    finally:
        one.stop()
    assert f"listen 127.0.0.1:{one.ports[443]} ssl;" in text
    assert f"listen 127.0.0.1:{one.ports[80]};" in text
    assert "server 127.0.0.1:4711;" in text and "8001" not in text
    assert f"alias {tmp_path}/staticfiles/;" in text
    assert "/etc/ssl" not in text
    assert len(text.splitlines()) == len(CONF.read_text().splitlines())


def test_one_that_is_named_and_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUTOR_NGINX", "/nowhere/nginx")
    with pytest.raises(Refusal, match="no such program"):
        nginx.find()
    monkeypatch.setenv("TUTOR_NGINX", "none")
    assert nginx.find() is None and nginx.get() is None


def test_ci_fails_without_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUTOR_NGINX", "none")
    monkeypatch.setenv("CI", "true")
    assert nginx.main(["--get"]) == 1
    monkeypatch.delenv("CI")
    assert nginx.main(["--get"]) == 0
    assert "To get one: " in capsys.readouterr().out


# -- the doctor ------------------------------------------------------------------------

HEALTHY = {
    # A pattern comes before a prefix: one that matches all takes the files as well.
    "by a pattern": ("location / {", "location ~ ^/(?!static/) {"),
    "headers for all": (
        "    location / {\n        proxy_pass http://daphne;\n",
        "    location /ws/ {\n        proxy_pass http://daphne;\n        "
        "proxy_set_header Upgrade $http_upgrade;\n        proxy_set_header Connection "
        '"upgrade";\n    }\n\n    location / {\n        proxy_pass http://daphne;\n',
    ),
    "another address": ("http://daphne;", "http://unix:/run/board/daphne.sock;"),
    "a long silence": ("http://daphne;", "http://daphne; proxy_read_timeout 1h;"),
    "words from elsewhere": (
        "proxy_set_header Host $host;",
        "include proxy_params; # proxy_set_header Host",
    ),
}


@pytest.mark.parametrize(("old", "new"), HEALTHY.values(), ids=HEALTHY)
def test_other_right_words_get_no_finding(project: Path, old: str, new: str) -> None:
    change(project, nginx.FILE, old, new)
    assert [found.slug for found in diagnose(project).findings] == []


def test_a_whole_nginx_conf_is_read_as_well(project: Path) -> None:
    text = CONF.read_text().replace("proxy_set_header Upgrade $http_upgrade;", "")
    (project / nginx.FILE).write_text(
        f"http {{\n    include mime.types;\n{text}}}\n", encoding="utf-8"
    )
    first = diagnose(project).findings[0]
    assert (first.slug, first.file) == ("nginx-without-upgrade-headers", nginx.FILE)


def test_words_are_read_with_their_lines() -> None:
    top = proxies.parse("a 'b;c' # d;\n{\n  e;\n}\nf \"g\n\" h;\n}\ni;")
    names = [(one.name, one.args, one.line) for one in top.block]
    assert names == [("a", ["b;c"], 1), ("f", ["g\n", "h"], 5), ("i", [], 8)]
    assert top.block[0].block[0].line == 3


# -- the exercise ----------------------------------------------------------------------


def answer(*lines: str) -> str:
    return "upstream daphne {\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


ONE, TWO = "server 127.0.0.1:8001;", "server 127.0.0.1:8002;"
WRONG = {
    "one": ((ONE,), "none went to the Daphne on port 8002"),
    "spare": ((ONE, "server 127.0.0.1:8002 backup;"), "none went to the Daphne"),
    "by address": (("ip_hash;", ONE, TWO), "none went to the Daphne"),
    "weighed": (("server 127.0.0.1:8001 weight=7;", TWO), "in turn"),
    "no semicolon": ((ONE, "server 127.0.0.1:8002"), "deploy/nginx.conf:"),
}


@pytest.mark.nginx
@pytest.mark.parametrize(("lines", "words"), WRONG.values(), ids=WRONG)
def test_answers_that_are_not_there_yet(
    project: Path, nginx_path: Path, lines: Sequence[str], words: str
) -> None:
    verdict = exercises.check("deploy", answer(*lines), project)
    assert verdict.startswith("Not yet: ") and words in verdict


@pytest.mark.nginx
def test_another_right_answer(project: Path, nginx_path: Path) -> None:
    lines = ("least_conn;", f"{ONE} {TWO}", "keepalive 8;")
    assert exercises.check("deploy", answer(*lines), project).startswith("Right. ")


def test_without_an_nginx_the_answer_waits(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTOR_NGINX", "none")
    assert nginx.NONE in exercises.check("deploy", answer(ONE, TWO), project)


# -- the appendix ----------------------------------------------------------------------


def files(ending: str) -> dict[str, str]:
    """What the cells of the appendix hold, by the names of the files."""
    (part,) = [
        p for p in COURSE.parts if isinstance(p, Section) and p.name == "machines"
    ]
    found = {}
    for cell in part.cells:
        first, _, rest = "".join(cell["source"]).partition("\n")
        if first.startswith("%%system ") and first.endswith(ending):
            found[first.split()[1]] = rest
    return found


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    units = files(".service")
    assert sorted(units) == ["daphne@.service", "producer.service", "worker@.service"]
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("daphne", "python"):
        (programs / name).touch(0o755)
    (tmp_path / "board.env").touch()
    for name, text in units.items():
        here = text.replace("/srv/board", str(tmp_path))
        (tmp_path / name.replace("@", "@1")).write_text(here)
    argv = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"]
    argv += [str(path) for path in sorted(tmp_path.glob("*.service"))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert done.returncode == 0 and not said, done.stderr


def test_the_compose_file_starts_what_the_units_start() -> None:
    (text,) = files(".yaml").values()
    services = machines.compose("compose.yaml", text)
    assert services["web"]["image"] == "board"
    commands = [told.get("command", "") for told in services.values()]
    for unit in files(".service").values():
        start = machines.unit("a.service", unit)["Service"]["ExecStart"]
        program = start.partition("/bin/")[2].replace("%i", "8001")
        assert any(
            program.replace("-p", "-b 0.0.0.0 -p", 1) == one or program == one
            for one in commands
        ), start


def test_what_is_no_such_file_is_said() -> None:
    for name, text in (
        ("a.service", "[Unit]\n"),
        ("a.service", "what"),
        ("a.yaml", "- one"),
        ("a.yaml", "services: {a: {depends_on: [b]}}"),
    ):
        with pytest.raises(Refusal):
            machines.described(name, text)


def test_children_see_no_environment_of_deployment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NGINX", "ALLOWED_HOSTS", "DJANGO_DEBUG"):
        monkeypatch.setenv(name, "one")
        assert name not in children.env()
