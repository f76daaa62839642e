"""Mistakes in planning poker and in a laundry, in spellings of their own."""

from __future__ import annotations

from shapes import Change

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (  # the object is made and changed in a function
        "estimates",
        "client-fragment-in-url",
        "table/static/table/js/socket.js",
        (
            (
                "table/static/table/js/socket.js",
                "  return `${scheme}://${location.host}/ws/table/${slug}/`;",
                """\
  const url = new URL(`${scheme}://${location.host}/ws/table/${slug}/`);
  url.hash = "live";
  return url.toString();""",
            ),
        ),
    ),
    (  # another module opens it, then speaks
        "estimates",
        "client-send-before-open",
        "table/static/table/js/main.js",
        (
            (
                "table/static/table/js/socket.js",
                """\
    if (this.socket.readyState !== WebSocket.OPEN) return false;
""",
                "",
            ),
            (
                "table/static/table/js/main.js",
                """\
socket.open();
""",
                """\
socket.open();
name = localStorage.getItem("name") ?? "";
if (name) socket.ask({ do: "sit", name });
""",
            ),
        ),
    ),
    (  # half of an event taken apart
        "estimates",
        "client-uses-text-as-object",
        "table/static/table/js/socket.js",
        (
            (
                "table/static/table/js/socket.js",
                '"message", (event) => this.heard(event)',
                '"message", ({ data }) => this.heard(data)',
            ),
        ),
    ),
    (  # a fixture has made the maker of clients
        "estimates",
        "test-communicator-call-not-awaited",
        "tests/test_table.py",
        (
            (
                "tests/test_table.py",
                """\
    assert await ann.receive_nothing()
    await ann.disconnect()
    await eve""",
                """\
    assert ann.receive_nothing()
    await ann.disconnect()
    await eve""",
            ),
        ),
    ),
    (  # a fixture that lives as long as its module
        "estimates",
        "test-communicator-shared-between-tests",
        "tests/conftest.py",
        (
            (
                "tests/conftest.py",
                """\
@pytest.fixture
def player""",
                """\
@pytest.fixture(scope="module")
def ann():
    return WebsocketCommunicator(
        application,
        "/ws/table/login-form/",
        headers=[(b"origin", b"http://localhost")],
    )


@pytest.fixture
def player""",
            ),
            (
                "tests/test_table.py",
                """\
async def test_a_card_is_kept_and_shown_later(player):
    ann = player()
""",
                """\
async def test_a_card_is_kept_and_shown_later(ann):
""",
            ),
            (
                "tests/test_table.py",
                """\
async def test_nonsense_is_refused(player):
    ann = player()
""",
                """\
async def test_nonsense_is_refused(ann):
""",
            ),
        ),
    ),
    (  # a method of its own sends, and the loop counts down
        "estimates",
        "group-capacity-exceeded",
        "table/consumers.py",
        (
            (
                "table/consumers.py",
                """\
            votes = await store.everything(self.slug)
""",
                """\
            for left in range(300, 0, -1):
                await self.everyone("table.tick", left=left)
            votes = await store.everything(self.slug)
""",
            ),
            (
                "table/consumers.py",
                "    async def table_cleared",
                """\
    async def table_tick(self, event):
        await self.tell("tick", left=event["left"])

    async def table_cleared""",
            ),
            (
                "table/static/table/js/main.js",
                'socket.addEventListener("cleared"',
                '''\
socket.addEventListener("tick", (event) => board.say(event.detail.left));
socket.addEventListener("cleared"''',
            ),
        ),
    ),
    (  # the host is taken out of the address
        "laundry",
        "client-url-without-scheme",
        "machines/static/machines/dashboard.js",
        (
            (
                "machines/static/machines/dashboard.js",
                "socket = new "
                "WebSocket(`${protocol}//${window.location.host}/ws/floor/`"
                ");",
                """\
const { host } = window.location;
    socket = new WebSocket(`${host}/ws/floor/`);""",
            ),
            (
                "machines/static/machines/dashboard.js",
                """\
    const protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
""",
                "",
            ),
        ),
    ),
    (  # a table of handlers, constants and a method on the other side
        "laundry",
        "client-ping-pong-without-pause",
        "machines/static/machines/dashboard.js",
        (
            (
                "machines/static/machines/dashboard.js",
                """\
      message.machines.forEach(renderMachine);
""",
                """\
      message.machines.forEach(renderMachine);
      sendCommand({ action: "snapshot" });
""",
            ),
        ),
    ),
    (  # the greeting is sent by a method, behind a check
        "laundry",
        "test-forgets-the-greeting",
        "machines/tests/test_floor.py",
        (
            (
                "machines/tests/test_floor.py",
                """\
        await socket.receive_json_from()
        await socket.send_json_to({"action": "dry"})""",
                '        await socket.send_json_to({"action": "dry"})',
            ),
        ),
    ),
    (  # the method of the AppConfig has another name
        "laundry",
        "app-signals-never-imported",
        "machines/apps.py",
        (("machines/apps.py", "def ready(self)", "def on_ready(self)"),),
    ),
    (  # half a rename, among keys that are right
        "laundry",
        "client-sends-another-key",
        "machines/static/machines/dashboard.js",
        (
            (
                "machines/payloads.py",
                '        machine_id = content.get("machine_id")',
                '        machine_id = content.get("machine")',
            ),
        ),
    ),
    (  # what stands in a dataset is always a text
        "laundry",
        "client-sends-text-for-number",
        "machines/static/machines/dashboard.js",
        (
            (
                "machines/static/machines/dashboard.js",
                "    button.textContent = machine.busy",
                """\
    button.dataset.machine = machine.id;
    button.textContent = machine.busy""",
            ),
            (
                "machines/static/machines/dashboard.js",
                "machine_id: machine.id,",
                "machine_id: button.dataset.machine,",
            ),
        ),
    ),
)
