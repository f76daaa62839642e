"""On a JupyterHub: the page of step 7 below a path, through jupyter-server-proxy."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tutor import browser, pages, places, trees
from tutor.course import Course
from tutor.prove import kernels
from tutor.servers import HOST, Server, serving

COURSE = Course.load(places.root())
STEP = next(step for step in COURSE.steps if step.slug == "browser")
COMMAND = ["python", "manage.py", "runserver"]
PREFIX = "/user/ada/"
TOKEN = secrets.token_hex(16)
NAME = "hub.example"  # what the hub is called from outside
SECONDS = 15_000  # milliseconds, on a busy machine


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A learner's Jupyter server as a hub runs it: below a path, for any host."""
    folder = tmp_path_factory.mktemp("hub")
    options = {
        "ip": HOST,
        "port": "PORT",
        "port_retries": 0,
        "base_url": PREFIX,
        "allow_remote_access": True,
        "allow_root": True,
        "jpserver_extensions": "jupyter_server_proxy=True",
        "log_level": "ERROR",
    }
    command = ["jupyter", "server", "--no-browser", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--ServerApp.{name}={value}" for name, value in options.items()]
    quiet = {"JUPYTER_RUNTIME_DIR": str(folder), "JUPYTER_CONFIG_DIR": str(folder)}
    quiet |= {"JUPYTER_NO_CONFIG": "1", "TMPDIR": str(folder)}
    with serving(command, folder, quiet) as server:
        assert server.running, server.log()
        yield server


@pytest.fixture(scope="module")
def chromium(browser_path: Path) -> Iterator[Browser]:
    """A browser for which the hub's name leads to this machine."""
    rules = f"--host-resolver-rules=MAP {NAME} {HOST}"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser_path, args=[*browser.arguments(), rules]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(chromium: Browser, hub: Server) -> Iterator[Page]:
    """A page of somebody who is logged in, at both names."""
    context = chromium.new_context()
    for host in (HOST, NAME):
        page = context.new_page()
        page.goto(f"http://{host}:{hub.port}{PREFIX}api/status?token={TOKEN}")
    page.set_default_timeout(SECONDS)
    yield page
    context.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    trees.copy(COURSE.root / "steps" / STEP.folder, tmp_path)
    return tmp_path


def is_live(page: Page) -> None:
    """Numbers come through the socket, and are drawn."""
    expect(page.locator("#state")).to_have_text("connected", timeout=SECONDS)
    number = re.compile(r"^(\d|[1-9]\d|100)$")
    expect(page.locator("#number")).to_have_text(number, timeout=SECONDS)
    page.get_by_role("button").click()
    expect(page.locator("#spoken")).to_have_text(re.compile(r"Number \d+"))
    page.wait_for_function("document.querySelector('polyline').points.length >= 2")


@pytest.mark.browser
def test_the_page_and_its_socket_below_the_hubs_path(
    page: Page, hub: Server, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pages.HUB, PREFIX)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    with serving(COMMAND, project) as server:
        path = pages.address(server, "/")
        assert path == f"{PREFIX}proxy/{server.port}/"
        frame = pages.frame(server, "/")._repr_html_()
        assert re.findall(r'src="([^"]*)"', frame) == [path]
        page.goto(hub.url + path)
        is_live(page)
        # A server that goes and comes back is found again.
        server.pause()
        expect(page.locator("#state")).to_have_text("reconnecting", timeout=SECONDS)
        server.again()
        is_live(page)
    assert sockets[0] == f"{hub.ws}{PREFIX}proxy/{server.port}/ws/whole1/"


@pytest.mark.browser
def test_by_the_hubs_name_once_the_project_allows_it(
    page: Page, hub: Server, project: Path
) -> None:
    """As `origin-public-host-not-allowed` says; TEACHING.md has the line to add."""
    settings = project / "webapp/settings.py"
    for hosts, status in (([], 400), (["localhost", HOST, NAME], 200)):
        text = settings.read_text()
        settings.write_text(
            re.sub(r"(?m)^ALLOWED_HOSTS = .*", f"ALLOWED_HOSTS = {hosts}", text)
        )
        with serving(COMMAND, project) as server:
            path = f"{PREFIX}proxy/{server.port}/"
            answer = page.goto(f"http://{NAME}:{hub.port}{path}")
            assert answer and answer.status == status
            if status == 200:
                is_live(page)


def test_a_proof_is_the_same_on_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pages.HUB, PREFIX)
    assert pages.HUB not in kernels.environment(tmp_path)


@pytest.mark.browser
def test_nobody_comes_in_without_the_token(
    chromium: Browser, hub: Server, project: Path
) -> None:
    with serving(COMMAND, project) as server:
        page = chromium.new_page()
        answer = page.goto(f"{hub.url}{PREFIX}proxy/{server.port}/")
        assert answer and "/login" in answer.url
        page.close()
    assert "GET" not in server.log()
