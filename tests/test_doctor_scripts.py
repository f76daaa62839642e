"""What the rules make of a page's script: other spellings, and what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.doctor.answers import Answers, Client
from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import (
    blanked,
    clients,
    everyday,
    javascript,
    policies,
    privates,
)
from tutor.doctor.rules.browser.scripts import Script
from tutor.doctor.rules.consumers import dropped
from tutor.doctor.rules.found import Found
from tutor.doctor.source import Source

ROOT = Path(__file__).parents[1]
CONSUMERS = """
from channels.generic.websocket import AsyncWebsocketConsumer


class Numbers(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data)


class Chooses(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept("numbers")


class Slow(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        import asyncio
        await asyncio.sleep(1)
        await self.send(text_data)
"""
VIEWS = """
from django.shortcuts import render


def room(request, room_name, number):
    context = {"room": room_name, "number": number, "count": 3}
    return render(request, "a/page.html", context)
"""
URLS = 'PATHS = ["rooms/<str:room_name>/<int:number>/"]\n'
OPEN = "const ws = new WebSocket(`ws://${location.host}/ws/numbers/`);\n"


def look(
    tmp_path: Path, files: dict[str, str], heard: list[str | bytes] | None = None
) -> list[tuple[str | None, int | None]]:
    """What is found in a project whose pages these are: slugs and lines."""
    files = {"app/consumers.py": CONSUMERS, "app/views.py": VIEWS, **files}
    files["app/urls.py"] = URLS
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    folders = [
        {"kind": "templates", "folders": ["app/templates"]},
        {"kind": "static", "folders": ["app/static"]},
    ]
    leaves = [
        {
            "sample": f"/ws/{name.lower()}/",
            "is": "consumer",
            "consumer": f"app.consumers.{name}",
            "steps": [{"regex": f"^ws/{name.lower()}/\\Z", "names": []}],
        }
        for name in ("Numbers", "Chooses", "Slow")
    ]
    seen = Evidence(
        tmp_path,
        tmp_path,
        Told(folders),
        Source(tmp_path, tmp_path),
        Told([{"kind": "walk", "leaves": leaves}]),
    )
    one = Client("c1", "/ws/numbers/", None, 101)
    one.heard, one.phases = heard or ["7"], [("text", "7")]
    seen.answers = Answers([one, Client("c2", "/ws/slow/", None, 101, ["7"])])
    told = [*clients.rules(seen), *everyday.rules(seen)]
    return [(found.slug, found.place[1]) for found in told]


WRONG: dict[str, tuple[str, int]] = {
    # what is wrong: the script, and the line
    "client-handler-called-not-assigned": (
        OPEN + "function show(e) { print(e); }\nws.onmessage = show();",
        3,
    ),
    "client-handler-called-not-assigned/listener": (
        OPEN + "const show = () => { print(1); };\n"
        "ws.addEventListener('open', show());",
        3,
    ),
    "client-assigns-where-it-compares/alone": (
        OPEN + "ws.onopen = () => {\n  log.textContent == 'open';\n};",
        3,
    ),
    "client-function-not-called/named": (
        OPEN + "const told = { onEnd: () => location.reload };\nprint(told);",
        2,
    ),
    "client-function-not-called/alone": (
        OPEN + "ws.onmessage = (e) => {\n  const handler = made[e.data];\n"
        "  handler;\n};",
        4,
    ),
    "client-handler-misnamed/past": (
        OPEN + "box.addEventListener('changed', () => print(1));",
        2,
    ),
    "client-handler-misnamed/near": (
        OPEN + "function go() {}\ndocument.addEventListener('DOMContentLoad', go);",
        3,
    ),
    "client-value-taken-for-another/braces": (
        OPEN + "const open = all.filter((one) => { !one.done; });\nprint(open);",
        2,
    ),
    "client-value-taken-for-another/helper": (
        OPEN + "const post = (url) => fetch(url);\nasync function go() {\n"
        "  const answer = await post('/');\n  const told = answer.json();\n"
        "  print(told.text);\n}\ngo();",
        5,
    ),
    "client-element-not-there/begun": (
        OPEN + "item.className = 'row-' + 1;\n"
        "ws.onmessage = (e) => document.getElementById('row-' + e.data).remove();",
        3,
    ),
    "client-send-before-open": (OPEN + 'ws.send("hello");', 2),
    "client-send-before-open/function": (
        "let ws;\nfunction connect() {\n  ws = new WebSocket('ws://x/ws/numbers/');\n"
        "  ws.onmessage = (e) => print(e.data);\n  hello();\n}\n"
        "function hello() { ws.send('hello'); }\nconnect();",
        5,
    ),
    "client-send-before-open/caller": (
        "let ws;\nconst connect = () => { ws = new WebSocket('ws://x/ws/numbers/'); };"
        "\nconnect();\nws.send('hello');",
        4,
    ),
    "client-send-before-open/class": (
        "class Live {\n  constructor() { this.open(); }\n"
        "  open() { this.ws = new WebSocket('ws://x/ws/numbers/'); }\n"
        "  say(text) { this.ws.send(text); }\n}\n"
        "const live = new Live();\nlive.say('hello');",
        7,
    ),
    "client-send-object": (
        OPEN + "ws.onopen = () => ws.send({ type: 'hello' });",
        2,
    ),
    "client-send-object/name": (
        OPEN + "ws.onopen = function () {\n"
        "  const message = {\n    type: 'hello',\n  };\n  ws.send(message);\n};",
        6,
    ),
    "client-send-object/caller": (
        OPEN + "function say(message) {\n  ws.send(message);\n}\n"
        "button.onclick = () => say({ type: 'hello' });",
        3,
    ),
    "client-parses-the-event": (
        OPEN + "ws.onmessage = function (m) { show(JSON.parse(m)); };",
        2,
    ),
    "client-parses-the-event/passed": (
        OPEN + "ws.addEventListener('message', (e) => handle(e));\n"
        "function handle(event) {\n  const said = JSON.parse(event);\n}",
        4,
    ),
    "client-close-code-reserved": (OPEN + "ws.close(1011, 'bye');", 2),
    "client-subprotocol-not-answered": (
        "const ws = new WebSocket('ws://x/ws/numbers/', ['token', 'abc']);",
        1,
    ),
    "client-ping-pong-without-pause": (
        OPEN + "ws.onmessage = (e) => {\n  show(e.data);\n  ws.send('next');\n};",
        4,
    ),
    "client-message-into-innerhtml": (
        OPEN + "ws.onmessage = ({ data }) => { log.innerHTML += `<p>${data}</p>`; };",
        2,
    ),
    "client-message-into-innerhtml/parsed": (
        OPEN + "ws.onmessage = (e) => {\n  const said = JSON.parse(e.data);\n"
        "  for (const one of said.all) {\n"
        "    log.insertAdjacentHTML('beforeend', '<li>' + one.text);\n  }\n};",
        5,
    ),
    "client-message-into-innerhtml/function": (
        OPEN + "ws.onmessage = (e) => add(JSON.parse(e.data));\n"
        "function add({ user, text }) {\n  log.innerHTML = user + ': ' + text;\n}",
        4,
    ),
    "client-message-into-innerhtml/given": (
        "function connect(show) {\n"
        "  const ws = new WebSocket('ws://x/ws/numbers/');\n"
        "  ws.onmessage = (e) => show(JSON.parse(e.data));\n}\n"
        "connect((said) => {\n  log.innerHTML = said.text;\n});",
        6,
    ),
    "client-message-into-innerhtml/jquery": (
        OPEN + "ws.onmessage = (e) => {\n  const said = JSON.parse(e.data);\n"
        "  $('#log').append('<li>' + said.who + ': ' + Number(said.no));\n};",
        4,
    ),
    "client-message-into-innerhtml/made": (
        OPEN + "ws.onmessage = (e) => {\n  const said = JSON.parse(e.data);\n"
        "  const row = $(`<tr><td>${said.who}</td></tr>`);\n  log.append(row);\n};",
        4,
    ),
    "client-listener-for-each-connection": (
        "let ws;\nfunction open() {\n"
        "  ws = new WebSocket('ws://x/ws/numbers/');\n"
        "  ws.onclose = () => setTimeout(open, 1000);\n"
        "  button.addEventListener('click', () => ws.send('a'));\n}\nopen();",
        5,
    ),
    "client-method-without-this/function": (
        "class Live {\n  constructor(show) {\n    this.show = show;\n"
        "    this.ws = new WebSocket('ws://x/ws/numbers/');\n"
        "    this.ws.onmessage = function (e) { this.show(e.data); };\n  }\n}",
        5,
    ),
    "client-too-many-sockets/drawn": (
        "function Feed() {\n  const [lines, setLines] = useState([]);\n"
        "  const ws = new WebSocket('ws://x/ws/numbers/');\n"
        "  ws.onmessage = (e) => setLines([e.data]);\n  return lines;\n}",
        3,
    ),
    "client-name-not-there": (
        "function open() {\n  const ws = new WebSocket('ws://x/ws/numbers/');\n"
        "  ws.onopen = () => ws.send('hello');\n}\nopen();\n"
        "button.onclick = () => ws.send('a');",
        6,
    ),
}

RIGHT = {
    "name-shared": "let ws;\nfunction open() {\n"
    "  ws = new WebSocket('ws://x/ws/slow/');\n}\nopen();\n"
    "button.onclick = () => ws.send('a');",
    "listener-once": "let ws;\nfunction open() {\n"
    "  ws = new WebSocket('ws://x/ws/numbers/');\n"
    "  ws.onclose = () => setTimeout(open, 1000);\n"
    "  ws.addEventListener('open', () => ws.send('a'));\n}\n"
    "button.addEventListener('click', () => ws.send('a'));\nopen();",
    "listener-of-one-socket": "function open() {\n"
    "  const ws = new WebSocket('ws://x/ws/slow/');\n"
    "  ws.onclose = () => setTimeout(open, 1000);\n"
    "  button.addEventListener('click', () => ws.send('a'));\n}\nopen();",
    "this-of-a-socket": "class Live {\n  constructor() {\n"
    "    this.ws = new WebSocket('ws://x/ws/numbers/');\n"
    "    this.ws.onopen = function () { this.send('a'); };\n  }\n"
    "  send(text) { this.ws.send(text); }\n}",
    "this-bound": "class Live {\n  constructor(show) {\n    this.show = show;\n"
    "    this.ws = new WebSocket('ws://x/ws/numbers/');\n"
    "    this.ws.onmessage = function (e) { this.show(e); }.bind(this);\n  }\n}",
    "name-given": "function open() {\n"
    "  const ws = new WebSocket('ws://x/ws/slow/');\n  say(ws);\n}\n"
    "function say(ws) { button.onclick = () => ws.send('a'); }\nopen();",
    "handler-made-by-a-call": OPEN
    + "function on(word) { return (e) => print(word, e); }\nws.onmessage = on('a');",
    "handler-bound": OPEN + "function show(e) {}\nws.onmessage = show.bind(null);",
    "handler-arrow-gives": OPEN + "const on = (w) => (e) => print(w, e);\n"
    "ws.onmessage = on('a');",
    "sent-when-open": OPEN + "ws.onopen = () => ws.send('hello');",
    "sent-on-click": OPEN + "function say() { ws.send('a'); }\nbutton.onclick = say;",
    "sent-if-ready": OPEN + "if (ws.readyState === 1) ws.send('hello');",
    "sent-after-waiting": "async function go() {\n"
    + OPEN
    + "  await opened(ws);\n  ws.send('hello');\n}\ngo();",
    "sent-by-the-other-branch": "let ws;\nfunction say(text) {\n"
    "  if (!ws) { ws = new WebSocket('ws://x/ws/numbers/'); return; }\n"
    "  ws.send(text);\n}\nbutton.onclick = () => say('a');",
    "sent-in-another-case": "let ws;\nfunction act(what) {\n  switch (what) {\n"
    "    case 'open':\n      ws = new WebSocket('ws://x/ws/numbers/');\n      break;\n"
    "    case 'say':\n      ws.send('hello');\n      break;\n  }\n}\n"
    "later(act);",
    "queued": OPEN + "const queue = [];\nfunction say(text) {\n"
    "  if (isOpen) ws.send(text); else queue.push(text);\n}\nsay('hello');",
    "sent-as-json": OPEN
    + "ws.onopen = () => { const m = { a: 1 }; ws.send(JSON.stringify(m)); };",
    "made-json-first": OPEN + "function say(message) {\n"
    "  message = JSON.stringify(message);\n  ws.send(message);\n}\nsay2({});\n"
    "button.onclick = () => say({ type: 'hello' });",
    "sent-by-another": OPEN + "function say(m) { ws.send(m); }\n"
    "const other = make();\nother.say({ a: 1 });",
    "bytes": OPEN + "ws.onopen = () => ws.send(new Uint8Array([1]));",
    "parses-its-data": OPEN + "ws.onmessage = ({ data }) => show(JSON.parse(data));",
    "event-replaced": OPEN
    + "ws.onmessage = (e) => { e = e.data; show(JSON.parse(e)); };",
    "closes": OPEN + "ws.close(); ws.close(1000); ws.close(4001, 'bye');",
    "chosen": "const ws = new WebSocket('ws://x/ws/chooses/', ['numbers']);",
    "none-offered": "const ws = new WebSocket('ws://x/ws/numbers/', []);",
    "server-pauses": "const ws = new WebSocket('ws://x/ws/slow/');\n"
    "ws.onmessage = () => { ws.send('next'); };",
    "page-pauses": OPEN + "ws.onmessage = () => setTimeout(() => ws.send('a'), 1000);",
    "answers-a-ping": OPEN + "ws.onmessage = (e) => {\n"
    "  if (e.data === 'ping') ws.send('pong');\n};",
    "answers-in-a-block": OPEN + "ws.onmessage = (e) => {\n"
    "  if (e.data === 'ping') {\n    ws.send('pong');\n  }\n};",
    "text": OPEN + "ws.onmessage = (e) => { log.textContent = e.data; };",
    "escaped": OPEN
    + "ws.onmessage = (e) => { log.innerHTML = `<p>${escapeHtml(e.data)}</p>`; };",
    "jquery-text": OPEN + "ws.onmessage = (e) => {\n"
    "  $('#log').prepend($('<li>', { text: e.data }), $('<b>').text(e.data));\n};",
    "appended-text": OPEN + "ws.onmessage = (e) => { log.append(e.data); };",
    "number": OPEN + "ws.onmessage = (e) => { log.innerHTML = Number(e.data); };",
    "own-html": OPEN + "ws.onmessage = (e) => { log.innerHTML = '<b>new</b>'; };",
    "emptied": OPEN + "ws.onmessage = (e) => { log.innerHTML = ''; say(e.data); };",
    "chosen-html": OPEN
    + "ws.onmessage = (e) => { log.innerHTML = e.data === 'a' ? '<b>a</b>' : ''; };",
    "own-events": OPEN + "document.addEventListener('messages-in', go);\n"
    "bus.addEventListener('closed', go);\nfunction go() { return log.focus; }\n"
    "if (log.textContent === 'x') print(all.map((one) => { print(one); }));",
    "begun": OPEN
    + "item.id = `row-${1}`;\nprint(document.getElementById('row-' + 1));",
    "in-a-comment": OPEN + "// ws.send({ a: 1 }); ws.close(1001);\n/* ws.send('') */",
    "in-a-text": OPEN + "print(\"ws.close(1001)\", 'ws.send({})', `ws.send({})`);",
    "a-regex": OPEN + "const quoted = /['\"`]/g;\nws.onopen = () => ws.send('a');",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_script_that_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    script, line = WRONG[name]
    found = look(tmp_path, {"app/static/a/live.js": script}, ['"<b>hello</b>"'])
    assert found == [(name.partition("/")[0], line)]


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_a_script_that_is_right(name: str, tmp_path: Path) -> None:
    heard: list[str | bytes] = ['{"text": "hello"}']
    assert look(tmp_path, {"app/static/a/live.js": RIGHT[name]}, heard) == []


PAGE = "app/templates/a/page.html"
PAGES = {
    "<script>const room = {{ room }};</script>": "client-template-variable-unquoted",
    "<script>const who = {{ user.username }};</script>": (
        "client-template-variable-unquoted"
    ),
    "<script>const room = '{{ room }}';</script>": None,
    "<script>const a = {{ number }}, b = {{ count }};</script>": None,
    '{{ room|json_script:"r-1" }}<script>document.getElementById("r").id;</script>': (
        "client-element-not-there"
    ),
    '{{ room|json_script:"r" }}<script>const r = 1;</script>{{ room }}': None,
    '<script type="application/json">{"room": {{ room }}}</script>': None,
    '<script>document.getElementById("log").x = 1;</script><p id="log">': (
        "client-script-before-element"
    ),
    "<head><script src=\"{% static 'a/x.js' %}\"></script></head><p id=log ></p>": (
        "client-script-before-element"
    ),
    '<p id="log"><script>document.getElementById("log").x = 1;</script>': None,
    '<script type="module">document.getElementById("log");</script><p id="log">': None,
    "<script defer src=\"{% static 'a/x.js' %}\"></script><p id='log'></p>": None,
    '<script>function f() { document.getElementById("log"); }</script><p id="log">': (
        None
    ),
    '<script>document.getElementById("log")?.focus();</script><p id="log">': None,
    '<p onclick="say()"></p><script type="module">function say() {}</script>': (
        "client-name-not-there"
    ),
    '<p onclick="say()"></p><script>function say() {}</script>': None,
    '{% extends "b" %}{% block at-the-end %}<script></script>{% endblock %}': None,
    '{% extends "b" %}{% block a %}<script>document.querySelector("#log")</script>'
    '<p id="log">{% endblock %}': None,
}
PAGES |= {
    '<p v-for="one in said">{{ one.text }}</p>': "client-mustache-filled-by-django",
    '{% verbatim %}<p v-for="one in said">{{ one }}</p>{% endverbatim %}': None,
    '<p v-for="one in said" :title="one">{{ room }}</p>': None,
}
LIBRARY = '<script src="//a.example/jquery-3.7.1.min.js"></script>'
PAGES |= {
    f"<script>$(function () {{}});</script>{LIBRARY}": "client-name-not-there",
    f"{LIBRARY}<script>$(function () {{}});</script>": None,
    f"<script>later(() => $('p').hide());</script>{LIBRARY}": None,
}
SAYS = (
    "<input id='f'{}><script>const ws = new WebSocket('ws://x/ws/slow/');"
    "const text = document.getElementById('f').value;"
    "b.onclick = () => ws.send(text);</script>"
)
PAGES |= {
    "<input id='f'><script>const f = document.getElementById('f');"
    "print(f.textContent);</script>": "client-value-taken-for-another",
    "<input id='f'>{{ room|json_script:'f' }}<script>const f = "
    "document.getElementById('f');print(f.textContent);</script>": None,
    "<input id='f'><script>function a() { const f = document.getElementById('f');"
    "print(f.value); } function b() { const f = make('p'); f.innerText = 'a'; }"
    "print(a, b);</script>": None,
    SAYS.format(" type='text'"): "client-field-read-too-early",
    SAYS.format(" type='hidden' value='a'"): None,
}
FORM = (
    '<form id="f"><button id="b">Say</button></form><script>'
    "let ws = new WebSocket('ws://x/ws/slow/'); function say() { ws.send('a'); }"
    "document.getElementById(%s;</script>"
)
RELOADS = "client-form-reloads-the-page"
PAGES |= {
    FORM % "'f').addEventListener('submit', say)": RELOADS,
    FORM % "'b').onclick = () => say()": RELOADS,
    FORM % "'f').onsubmit = (e) => { e.preventDefault(); say(); }": None,
    FORM.replace("id=", "type=button id=") % "'b').onclick = say": None,
    FORM.replace('"f"', '"f" action="/find/"') % "'b').onclick = say": None,
}


def test_an_event_s_type_may_be_a_message_s_too(tmp_path: Path) -> None:
    """The handler says the same word again, which is of its own making."""
    consumers = (
        CONSUMERS
        + """

class Chat(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        await self.channel_layer.group_send("all", {"type": "came"})
        await self.channel_layer.group_send("all", {"type": "gone"})

    async def came(self, event):
        await self.send(text_data=json.dumps({"type": "came"}))

    async def gone(self, event):
        await self.send(text_data=json.dumps({"type": "gone"}))
"""
    )
    script = OPEN + (
        "ws.onmessage = (e) => {\n  const data = JSON.parse(e.data);\n"
        "  if (data.type === 'came') { print('hello'); }\n};"
    )
    files = {"app/static/a/live.js": script, "app/consumers.py": consumers}
    assert look(tmp_path, files, ['{"type": "other"}']) == []


@pytest.mark.parametrize(("told", "lines"), [("event['text']", []), ("'hi'", [4])])
def test_what_a_client_said_has_its_own_keys(
    told: str, lines: list[int], tmp_path: Path
) -> None:
    consumers = f"""
from channels.consumer import AsyncConsumer


class Numbers(AsyncConsumer):
    async def websocket_receive(self, event):
        print(event["text"])
        what = {{"type": "raw.said", "message": {told}}}
        await self.channel_layer.group_send("all", what)

    async def raw_said(self, event):
        await self.send({{"type": "websocket.send", "text": event["message"]}})
"""
    script = OPEN + (
        "ws.onmessage = (e) => {\n  const said = JSON.parse(e.data);\n"
        "  log.append(said.msg);\n};\nbutton.onclick = () => "
        "ws.send(JSON.stringify({ msg: field.value }));\n"
    )
    files = {"app/static/a/live.js": script, "app/consumers.py": consumers}
    found = look(tmp_path, files, ['{"other": 1}'])
    slug = "client-reads-another-key"
    assert [one for one in found if one[0] == slug] == [(slug, n) for n in lines]


@pytest.mark.parametrize(("level", "lines"), [("error", []), ("inform", [4])])
def test_a_choice_of_two_provides_for_all_words(
    level: str, lines: list[int], tmp_path: Path
) -> None:
    consumers = (
        CONSUMERS
        + """
        await self.send(json.dumps({"level": "info"}))
"""
    )
    script = OPEN + (
        "ws.onmessage = (e) => {\n  const said = JSON.parse(e.data);\n"
        f"  print(said.level === '{level}' ? 'red' : 'grey');\n}};"
    )
    files = {"app/static/a/live.js": script, "app/consumers.py": consumers}
    slug = "client-reads-another-key"
    assert look(tmp_path, files, []) == [(slug, line) for line in lines]


@pytest.mark.parametrize(("key", "lines"), [("word", []), ("text", [7])])
def test_each_object_of_a_class_has_a_socket(
    key: str, lines: list[int], tmp_path: Path
) -> None:
    reads = """

class {}(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        await self.send_json(content["{}"])
"""
    consumers = "from channels.generic.websocket import AsyncJsonWebsocketConsumer\n"
    consumers += reads.format("Numbers", "word") + reads.format("Slow", "text")
    script = f"""class Line {{
  constructor(path) {{ this.ws = new WebSocket(`ws://${{location.host}}${{path}}`); }}
  say(what) {{ this.ws.send(JSON.stringify(what)); }}
}}
const one = new Line('/ws/numbers/');
const other = new Line('/ws/slow/');
button.onclick = () => one.say({{ {key}: 'hello' }});
link.onclick = () => other.say({{ text: 'hello' }});
"""
    files = {"app/static/a/live.js": script, "app/consumers.py": consumers}
    slug = "client-sends-another-key"
    assert look(tmp_path, files) == [(slug, line) for line in lines]


@pytest.mark.parametrize("page", PAGES)
def test_pages(page: str, tmp_path: Path) -> None:
    script = "document.querySelector('#log').textContent = 'a';"
    files = {PAGE: page, "app/static/a/x.js": script}
    slug = PAGES[page]
    assert look(tmp_path, files) == ([(slug, 1)] if slug else [])


def test_a_private_name_is_said_as_it_stands() -> None:
    text = "log('#1'); this.#ws.send({ a: 1 });"
    plain = privates.plain(text, True)
    assert plain.count("#") == 1 and len(plain) == len(text)
    found = Found("client-send-object", plain[11:19], expected=plain[11:])
    assert privates.written(found).got == "this.#ws"
    assert privates.written(found).expected == text[11:]


def test_a_library_that_is_not_read_is_there(tmp_path: Path) -> None:
    page = "<script src=\"{% static 'static_of/lib.min.js' %}\"></script>"
    kept = {PAGE: page, "app/static/static_of/lib.js": "const a = 1;"}
    lost = "client-static-file-not-there"
    assert [slug for slug, _ in look(tmp_path, kept)] == [lost]
    kept["app/static/static_of/lib.min.js"] = "const a=1"
    assert look(tmp_path, kept) == []


def test_plain_text_is_no_json(tmp_path: Path) -> None:
    script = OPEN + "ws.onmessage = (e) => {\n  const said = JSON.parse(e.data);\n};"
    files = {"app/static/a/live.js": script}
    assert look(tmp_path, files, ["hello"]) == [("client-parses-plain-text-as-json", 3)]
    assert look(tmp_path, files, ["7"]) == []
    files = {
        "app/static/a/live.js": script.replace(
            "const said = JSON.parse(e.data);", "try { JSON.parse(e.data); } catch {}"
        )
    }
    assert look(tmp_path, files, ["hello"]) == []


def test_only_numbers_may_be_html(tmp_path: Path) -> None:
    script = OPEN + "ws.onmessage = (e) => { log.innerHTML = e.data; };"
    assert look(tmp_path, {"app/static/a/live.js": script}, ["7", "42"]) == []


@pytest.mark.parametrize("step", sorted((ROOT / "steps").glob("*/*/static/*/*.js")))
def test_brackets_of_our_own_scripts_match(step: Path) -> None:
    text = step.read_text(encoding="utf-8")
    bare = blanked.bare(text)
    assert len(bare) == len(text)
    assert bare.count("\n") == text.count("\n")
    code = javascript.Code(Script("x.js", text), bare)
    assert len(code.pairs) == sum(bare.count(one) for one in "()[]{}")


@pytest.mark.parametrize(
    ("script", "asks"),
    [
        ("ws.onclose = (e) => { if (e.code === 4401) go(); };", True),
        ("ws.onclose = function (ev) { if (ev.code > 4000) go(); };", True),
        ("ws.addEventListener('close', async ({ code }) => go(code));", True),
        ("ws.onclose = gone; function gone(e) { go(e.code); }", True),
        ("ws.onclose = () => setTimeout(open, 2000); show(parcel.code);", False),
        ("ws.onclose = (e) => go(); show(message.code);", False),
    ],
)
def test_who_asks_for_the_code_of_a_close(script: str, asks: bool) -> None:
    assert dropped._asks_for_codes(script) == asks


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        ("default-src 'self'", True),
        ("script-src 'self' https://cdn.example; default-src *", True),
        ("default-src 'none'; script-src-elem 'self'", True),
        ("default-src 'self'; script-src 'self' 'unsafe-inline'", False),
        ("script-src 'nonce-2726c7f26c'", False),
        ("img-src 'self'", False),
    ],
)
def test_which_policies_refuse_a_script_in_a_page(policy: str, refused: bool) -> None:
    assert policies.refuses_inline(policies.parsed(policy)) is refused
