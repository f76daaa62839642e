"""What goes wrong in pages by habit: other spellings, and what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser import clients, everyday, grammar, pages
from tutor.doctor.source import Source

CONSUMERS = """
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Talk(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        if content.get("action") == "watch":
            await self.send_json({"event": "seen", "who": content.get("sensor")})
"""
VIEWS = """
from django.http import JsonResponse
from django.shortcuts import render


def page(request):
    return render(request, "a/page.html", {"room": "a", "facts": {"path": "/ws/a/"}})


def told(request):
    return JsonResponse({"count": 3, "names": []})
"""
URLS = """
from django.urls import path

from app import views

urlpatterns = [
    path("", views.page),
    path("told/", views.told, name="told"),
    path("rooms/<int:pk>/", views.page),
]
"""
SHOWS = "app/views.py"
PAGE, SCRIPT = "app/templates/a/page.html", "app/static/a/live.js"
LOADS = "<script src=\"{% static 'a/live.js' %}\"></script>"
OPEN = "const ws = new WebSocket(`ws://${location.host}/ws/talk/`);\n"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
STATICFILES = "django.contrib.staticfiles"
TAKEN, UNREADABLE = "client-value-taken-for-another", "client-script-not-readable"
GONE = "client-page-not-there"
NOT_GIVEN = "client-template-variable-not-given"
Spots = list[tuple[str | None, str | None, int | None]]


def look(tmp_path: Path, files: dict[str, str], apps: tuple[str, ...] = ()) -> Spots:
    """What is found in a project whose pages these are: slug, file, line."""
    known = {"app/consumers.py": CONSUMERS, "app/views.py": VIEWS, "app/urls.py": URLS}
    for name, text in {**known, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    facts = [
        {"kind": "templates", "folders": ["app/templates"]},
        {"kind": "static", "folders": ["app/static"]},
        {
            "kind": "settings",
            "apps": [*apps, "app"],
            "middleware": [CSRF],
            "module": "app.settings",
            "debug": True,
            "hosts": ["localhost"],
        },
        {"kind": "urls", "routes": ["", "told/", "rooms/<int:pk>/"]},
    ]
    leaf = {
        "sample": "/ws/talk/",
        "is": "consumer",
        "consumer": "app.consumers.Talk",
        "steps": [{"regex": "^ws/talk/\\Z", "names": []}],
    }
    walked = Told([{"kind": "walk", "leaves": [leaf]}])
    source = Source(tmp_path, tmp_path)
    seen = Evidence(tmp_path, tmp_path, Told(facts), source, walked)
    told = (grammar, pages, clients, everyday)
    found = [one for module in told for one in module.rules(seen)]
    return [(one.slug, *one.place) for one in found]


# What is wrong: the slug, the line, the script.
WRONG: dict[str, tuple[str | None, int, str]] = {
    "nobody opens": (
        "client-function-not-called",
        1,
        f"function connect() {{\n  {OPEN}  ws.onclose = () => setTimeout(connect, "
        f"9);\n}}",
    ),
    "a method alone": (
        "client-function-not-called",
        2,
        "form.onsubmit = (e) => {\n  e.preventDefault;\n  say();\n};",
    ),
    "not called there": (
        "client-function-not-called",
        3,
        "(() => {\n  document.title = 'a';\n});",
    ),
    "shadowed": (
        "client-name-not-there",
        3,
        "let ws = null;\nfunction open() {\n  const ws = new "
        "WebSocket(`ws://${location.host}"
        "/ws/talk/`);\n  ws.onopen = show;\n}\nopen();\nb.onclick = () => "
        "ws.close();",
    ),
    "a const": (
        "client-const-set-again",
        2,
        "const all = [];\nb.onclick = () => { all = [...all, 1]; };",
    ),
    "a promise": (
        TAKEN,
        2,
        "async function f() {\n  const a = fetch('/told/');\n"
        "  const told = await a.json();\n}",
    ),
    "a promise's text": (
        TAKEN,
        3,
        "async function f() {\n  const a = await fetch('/told/');\n"
        "  const told = a.json();\n  show(told.count);\n}",
    ),
    "not returned": (
        TAKEN,
        1,
        "fetch('/told/').then((r) => { r.json(); }).then((told) => show(told.count));",
    ),
    "not called": (
        "client-function-not-called",
        1,
        "fetch('/told/').then((r) => r.json).then((told) => show(told.count));",
    ),
    "gives nothing": (
        TAKEN,
        1,
        "const byId = (id) => { document.getElementById(id); };\nbyId('log').hidden = "
        "true;",
    ),
    "no such class": (
        "client-element-not-there",
        1,
        "document.querySelector('.line').textContent = 'a';",
    ),
    "a class without dot": (
        "client-element-not-there",
        1,
        "document.querySelectorAll('box').forEach((one) => one.remove());",
    ),
    "a list": (
        TAKEN,
        1,
        "document.querySelectorAll('.box').addEventListener('click', f);",
    ),
    "an element": (TAKEN, 1, "const a = JSON.parse(document.getElementById('log'));"),
    "no data": (
        "client-parses-the-event",
        2,
        OPEN + "ws.onmessage = (e) => show(JSON.parse(e.message));",
    ),
    "no code": (
        TAKEN,
        2,
        OPEN + "ws.onclose = (code) => { if (code === 4401) go(); };",
    ),
    "a bracket": (UNREADABLE, 3, "b.addEventListener('click', () => {\n  say();\n};"),
    "a comma": (
        UNREADABLE,
        2,
        "live({\n  show() { say(); }\n  hide() { say(); },\n});",
    ),
    "another comma": (UNREADABLE, 3, "say({\n  a: 1\n  b: 2,\n});"),
    "no value": (UNREADABLE, 1, "const a == 1;"),
    "in quotes": (
        "client-js-variable-inside-string",
        2,
        "const left = 1;\nb.title = 'at ${left} of all';",
    ),
    "never given": (
        "client-property-never-set",
        3,
        "class Live {\n  constructor() { this.count = 0; }\n  hear() { this.show(1); "
        "}\n}",
    ),
    "a state": (
        "client-name-in-other-letters",
        2,
        OPEN
        + "b.onclick = () => { if (ws.readyState === WebSocket.Open) ws.send('{}'); };",
    ),
    "no such id": (
        "client-element-not-there",
        1,
        "const show = (n) => { document.getElementById(`row-${n}`)?.remove(); };",
    ),
    "always on": (
        TAKEN,
        1,
        "const on = document.getElementById('tick').value === 'on';",
    ),
    "no page": (GONE, 1, "fetch('/api/told/').then((r) => r.text()).then(show);"),
    "no page to go to": (GONE, 1, "location.href = `/room/${number}/`;"),
    "no slash": (
        "client-form-leads-nowhere",
        1,
        "fetch('/told', { method: 'POST', headers: { 'X-CSRFToken': t } });",
    ),
    "by GET": (
        "client-form-method-refused",
        1,
        "fetch('/told/', { body: JSON.stringify({}) });",
    ),
    "without the token": (
        "client-form-without-csrf-token",
        2,
        "const csrf = document.querySelector('input').value;\nfetch('/told/', { "
        "method: 'POST',"
        " headers: { 'Content-Type': 'a/b' }, body: JSON.stringify({ a: 1 }) });",
    ),
    "no such cookie": (
        "client-form-without-csrf-token",
        1,
        "const token = getCookie('csrf_token');",
    ),
    "of the answer": (
        "client-reads-another-key",
        1,
        "fetch('/told/').then((r) => r.json()).then((told) => show(told.number));",
    ),
    "a key's number": (TAKEN, 1, "b.onkeydown = (e) => { if (e.key === 13) say(); };"),
    "emptied first": (
        "client-field-read-too-early",
        2,
        OPEN + "b.onclick = () => { field.value = ''; ws.send(JSON.stringify({ action: "
        "'watch',"
        " sensor: field.value })); };",
    ),
    "the text of a div": (TAKEN, 1, "document.getElementById('log').value += 'a';"),
    "an event's on": (
        "client-handler-misnamed",
        1,
        "b.addEventListener('onclick', () => say());",
    ),
    "nobody's event": (
        "client-name-not-there",
        1,
        "f.addEventListener('submit', () => { e.preventDefault(); });",
    ),
    "a word": (
        "client-sends-another-key",
        2,
        OPEN
        + "b.onclick = () => ws.send(JSON.stringify({ action: 'look', sensor: 'a' }));",
    ),
    "half a key": (
        "client-sends-another-key",
        2,
        OPEN
        + "b.onclick = () => ws.send(JSON.stringify({ action: 'watch', sensor_id: 1 "
        "}));",
    ),
    "a key in brackets": (
        "client-reads-another-key",
        2,
        OPEN + "ws.onmessage = (e) => { const m = JSON.parse(e.data); show(m['event'],"
        " m['from']); };",
    ),
    "of the text": (
        "client-uses-text-as-object",
        2,
        OPEN + "ws.onmessage = (e) => show(JSON.parse(e.data.who));",
    ),
    "not returned at the end": (
        TAKEN,
        3,
        "async function post() {\n  const answer = await fetch('/told/');\n"
        "  answer.json();\n}",
    ),
    "an object for a body": (
        "client-body-not-as-the-view-reads-it",
        1,
        "fetch('/told/', { method: 'PUT', headers: { 'X-CSRFToken': t }, "
        "body: { a: 1 } });",
    ),
    "letters of a handler": ("client-handler-misnamed", 1, "b.onClick = () => say();"),
    "no event": (None, 1, "b.addEventListener(() => say());"),
    "no node": (TAKEN, 1, "document.getElementById('log').appendChild('<p>a</p>');"),
    "an element as a value": (
        TAKEN,
        1,
        "say(JSON.stringify({ a: document.getElementById('log') }));",
    ),
    "letters of a property": (
        "client-property-never-set",
        3,
        "class Live {\n  constructor(onEnd) { this.onend = onEnd; }\n"
        "  end() { this.onEnd(); }\n}",
    ),
    "a scheme": (
        "client-url-without-scheme",
        2,
        "const s = location.protocol === 'https:' ? 'wss' : 'ws';\n"
        "const ws = new WebSocket(s + location.host + '/ws/talk/');",
    ),
}
HTML = (
    "<div id='log' class='box'></div><input id='tick' type='checkbox'>"
    "<p>{% csrf_token %}</p>"
)

RIGHT = {
    "opened by a page": "function connect() {\n  new WebSocket('ws://x/ws/talk/');\n}",
    "opened on load": f"window.onload = () => {{\n  {OPEN}}};",
    "a reflow": "b.offsetWidth;\nb.hidden = false;",
    "a getter": "class A { get go() { return 1; } }\nconst a = new A();\nshow(a.go);",
    "called there": "(() => {\n  document.title = 'a';\n})();",
    "two names": "let ws = null;\nfunction open() {\n  const inner = new "
    "WebSocket(`ws://"
    "${location.host}/ws/talk/`);\n  ws = inner;\n}\nopen();\nb.onclick = () => "
    "ws.close();",
    "a const of a block": "const a = 1;\nfunction f() { let a = 2; a = 3; }",
    "a default": "const size = 3;\nfunction f(size = 4) { return size; }",
    "waited for": "async function f() {\n  const a = fetch('/told/');\n"
    "  const told = await (await a).json();\n  show(told.count);\n}",
    "chained": "const p = fetch('/told/');\np.then((r) => r.json()).then((t) => "
    "show(t.names));",
    "returned": "fetch('/told/').then((r) => { return r.json(); }).then((t) => "
    "show(t.count));",
    "drawn": "const make = () => { const a = document.createElement('p'); return a; "
    "};\n"
    "make().remove();",
    "in a loop": "document.querySelectorAll('.box').forEach((one) => "
    "one.addEventListener("
    "'click', f));\nfor (const one of document.querySelectorAll('.box')) one.hidden = "
    "true;",
    "an own tag": "document.querySelectorAll('my-box').forEach(f);",
    "made later": "const p = document.createElement('p');\np.className = 'line';\n"
    "document.body.append(p);\ndocument.querySelector('.line').hidden = true;",
    "its text": "const a = JSON.parse(document.getElementById('log').textContent);",
    "a message": OPEN + "ws.onmessage = (e) => show(e.data, e.origin, e.lastEventId);",
    "its code": OPEN
    + "ws.onclose = ({ code, wasClean }) => { if (code === 4401) go(); };",
    "brackets": "const a = /[({]/;\nconst b = `${[1].map((n) => `(${n}`)}`;\nsay('(', "
    "a);",
    "commas": "say({\n  a: b\n    ? 1\n    : 2,\n  c() {},\n  get d() { return 1; "
    "},\n});",
    "blocks": "switch (a) {\n  case 1: {\n    say();\n  }\n  default:\n    go();\n}\n"
    "if (a) {\n  say();\n}\ngo();",
    "backticks": "const left = 1;\nb.title = `at ${left}`;\nb.lang = 'a $ {left}';",
    "given outside": "class Live {\n  constructor() { this.count = 0; }\n"
    "  hear() { this.show(1); }\n}\nconst live = new Live();\nlive.show = (n) => "
    "print(n);",
    "given by options": "class Live {\n  constructor(options) { Object.assign(this, "
    "options); }\n"
    "  hear() { this.show(1); }\n}",
    "a state": OPEN
    + "b.onclick = () => { if (ws.readyState === WebSocket.OPEN) ws.send('{}'); };",
    "of the window": "const logs = [];\nlog.hidden = true;",  # it is an id
    "ticked": "const on = document.getElementById('tick').checked;",
    "a page": "fetch('/told/').then((r) => r.text()).then(show);\nfetch('/rooms/3/');",
    "a page to go to": "location.href = "
    "`/rooms/${number}/`;\nlocation.assign('https://a.example/b/');",
    "elsewhere": "fetch('https://a.example/x', { method: 'POST', body: "
    "JSON.stringify({}) });",
    "a file": "fetch('/static/a/live.json');\nfetch('/media/a.png');",
    "a request for it": "fetch(new Request('/told/', { method: 'POST', body: '' }));",
    "with the token": "fetch('/told/', { method: 'POST', headers: { 'X-CSRFToken': t "
    "}, "
    "body: JSON.stringify({ a: 1 }) });",
    "the cookie": "const token = getCookie('csrftoken');",
    "an answer": "fetch('/told/').then((r) => r.json()).then(({ count, names = [] }) "
    "=> show(count));",
    "a key": "b.onkeydown = (e) => { if (e.key === 'Enter' || e.keyCode === 13) "
    "say(); };",
    "emptied after": OPEN
    + "b.onclick = () => { ws.send(JSON.stringify({ action: 'watch', "
    "sensor: field.value })); field.value = ''; };",
    "a text": "document.getElementById('log').textContent += 'a';",
    "the window's event": "function f() { event.preventDefault(); }",
    "what is drawn": "function f() {\n  return <p title='a'>Don't</p>;\n}",
    "a library's class": "const sortable = Sortable.create(log);",
    "a text's own": OPEN + "ws.onmessage = (e) => show(e.data.trim(), e.data.length);",
    "a handler of its own": "const one = new Menu();\none.onClick = f;\none.onClick();",
    "a key that is put there": OPEN + "ws.onmessage = (e) => { const m = JSON.parse("
    "e.data); m['seen'] = 1; show(m['who'], m['event']); };",
    "a word": OPEN
    + "b.onclick = () => ws.send(JSON.stringify({ action: 'watch', sensor: 'a' }));",
    "more than is read": OPEN
    + "b.onclick = () => ws.send(JSON.stringify({ action: 'watch', sensor: 'a', at: 1 "
    "}));",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    slug, line, script = WRONG[name]
    found = look(tmp_path, {SCRIPT: script, PAGE: HTML}, (STATICFILES,))
    assert found[:1] == [(slug, SCRIPT, line)]


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_in_what_is_right(name: str, tmp_path: Path) -> None:
    page = HTML + "<button onclick='connect()'></button>"
    assert look(tmp_path, {SCRIPT: RIGHT[name], PAGE: page}, (STATICFILES,)) == []


BASE = "app/templates/a/base.html"
BELOW = "<body>{% block body %}{% endblock %}</body>"
LOGIN = "app/templates/registration/login.html"
LOGINS = URLS + "from django.contrib.auth.views import LoginView\n"
MAKES = "class Live { open() { return 1; } }"
USES = "const live = new Live();\nlive.open();"
FIRST = "<script src=\"{% static 'a/first.js' %}\"></script>"
HX = (
    '<script src="//a.example/htmx.org@1.9.12"></script>%s'
    '<div hx-ext="ws" ws-connect="/ws/talk/">%s</div>'
)
EXT = '<script src="//a.example/htmx.org@1.9.12/dist/ext/ws.js"></script>'
# The files; what is found first: the slug, the file, the line; None where it is right.
FILES: list[tuple[dict[str, str], tuple[str | None, str, int] | None]] = [
    ({PAGE: "<p>{{ room }}{{ who }}</p>"}, (NOT_GIVEN, PAGE, 1)),
    ({PAGE: "<p>{{ who }}</p>{{ who.name }}{{ room }}{{ facts }}"},
     (NOT_GIVEN, SHOWS, 7)),
    ({PAGE: "{% for one in rooms %}{{ one }}{% endfor %}"}, (NOT_GIVEN, PAGE, 1)),
    ({PAGE: '{{ room }}{{ who|default:"me" }}{% if note %}{{ note }}{% endif '
            '%}'}, None),
    ({PAGE: "{% load own_tags %}{% keep %}{{ who }}{{ room }}"}, None),
    ({PAGE: "{{ _('Room') }}{{ room }}<script>say('a'); {# don't #}</script>"}, None),
    ({PAGE: "{% with who=room %}{{ who }}{% endwith %}{{ user }}{{ request.path "
            "}}"}, None),
    ({PAGE: "{% verbatim %}{{ who }}{% endverbatim %}{# {{ who }} #}{{ room }}"}, None),
    ({BASE: BELOW, PAGE: '{% extends "a/base.html" %}\n<script>say();</script>'},
     ("client-block-not-there", PAGE, 2)),
    ({BASE: BELOW, PAGE: '{% extends "a/base.html" %}{% block body %}<p></p>{% '
                         'endblock %}'},
     None),
    ({PAGE: LOADS + "\n" + FIRST, "app/static/a/first.js": MAKES, SCRIPT: USES},
     ("client-name-not-there", PAGE, 1)),
    ({PAGE: FIRST + "\n" + LOADS, "app/static/a/first.js": MAKES, SCRIPT: USES}, None),
    ({PAGE: LOADS, "app/static/a/first.js": MAKES, SCRIPT: USES},
     ("client-name-not-there", PAGE, 1)),
    ({PAGE: LOADS.replace("></script>", " />") + "\n<script>say();</script>", SCRIPT:
     ""},
     (UNREADABLE, PAGE, 1)),
    ({PAGE: LOADS + "<script>window.FACTS = { a: 1 };</script>",
      SCRIPT: "show(window.FACTS.a);"}, ("client-name-not-there", PAGE, 1)),
    ({PAGE: "<script>window.FACTS = { a: 1 };</script>" + LOADS,
      SCRIPT: "show(window.FACTS.a);"}, None),
    ({PAGE: '<button onclick="sayit()">a</button><script>function sayIt() {}</script>'},
     ("client-name-not-there", PAGE, 1)),
    ({PAGE: '<button onclick="say">a</button><script>function say() {}</script>'},
     ("client-function-not-called", PAGE, 1)),
    ({PAGE: '<input onkeydown="if (event.key === 13) say()"><script>function say() '
            '{}</script>'},
     (TAKEN, PAGE, 1)),
    ({PAGE: "<script>$('p').hide();</script>"}, ("client-name-not-there", PAGE, 1)),
    ({PAGE: "<script "
            "src='//a.example/all.js'></script><script>$('p').hide();</script>"}, None),
    ({PAGE: '{{ room|json_script:"r" }}<script>const r = document.getElementById("r")'
            ".textContent;</script>"}, (TAKEN, PAGE, 1)),
    ({PAGE: '{{ facts|json_script:"r" }}<script>const r = JSON.parse(document'
            '.getElementById("r").textContent); '
            'show(r.url);</script>'}, ("client-reads-another-key", PAGE, 1)),
    ({PAGE: '{{ facts|json_script:"r" }}<script>const r = JSON.parse(document'
            '.getElementById("r").textContent); show(r.path);</script>'}, None),
    ({PAGE: '<a href="/room/3/">a</a>'}, (GONE, PAGE, 1)),
    ({PAGE: '<a href="/rooms/3/">a</a><a href="/docs/">b</a>'}, None),
    ({PAGE: '<form action="/tell/" method="post">{% csrf_token %}</form>'},
     ("client-form-leads-nowhere", PAGE, 1)),
    ({PAGE: '<form id="f" action="/told/" method="post">{% csrf_token %}</form><script>'
            "document.getElementById('f').addEventListener('submit', () => {\n"
            "fetch('/told/'); });</script>"}, ("client-form-reloads-the-page", PAGE,
             1)),
    ({PAGE: '<form id="f" action="/told/" method="post"></form><script>'
            "const f = document.getElementById('f'); const t = f.querySelector("
            "'[name=csrfmiddlewaretoken]').value;</script>{% csrf_token %}"},
     ("client-form-without-csrf-token", PAGE, 1)),
    ({PAGE: '<b class="box" data-id="1"></b><script>document.querySelectorAll(".box")'
            ".forEach((one) => { show(one.dataset.key); });</script>"},
     ("client-data-attribute-not-there", PAGE, 1)),
    ({PAGE: "<script>const s = location.protocol === 'https:' ? 'ws' : 'wss';\n"
            "new WebSocket(`${s}://${location.host}/ws/talk/`);</script>"},
     ("client-ws-hardcoded-on-https-page", PAGE, 1)),
    ({PAGE: "<script>new WebSocket('wss://' + location.host + '/ws/talk/');</script>"},
     ("client-wss-hardcoded-on-http-page", PAGE, 1)),
    ({LOGIN: "<form method=post>{% csrf_token %}{{ login }}</form>",
      "app/urls.py": LOGINS},
     (None, LOGIN, 1)),
    ({LOGIN: "<form method=post>{% csrf_token %}<input name=user></form>",
      "app/urls.py": LOGINS}, ("client-form-field-not-named", LOGIN, 1)),
    ({LOGIN: "<form method=post>{% csrf_token %}{% for f in form %}{{ f }}{% endfor "
             "%}</form>",
      "app/urls.py": LOGINS}, None),
    ({PAGE: HX % ("", "")}, (None, PAGE, 1)),
    ({PAGE: HX % (EXT, "<form ws-send><input name=text></form>")},
     ("client-sends-another-key", PAGE, 1)),
    ({PAGE: HX % (EXT, "<form ws-send><input id=sensor></form>")},
     ("client-form-field-not-named", PAGE, 1)),
    ({PAGE: HX % (EXT, "<form ws-send><input name=sensor></form>")}, None),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(FILES)))
def test_pages_and_their_scripts(place: int, tmp_path: Path) -> None:
    files, wanted = FILES[place]
    page = {} if PAGE in files else {PAGE: "{{ room }}"}
    found = look(tmp_path, page | files, (STATICFILES,))
    assert found[:1] == ([wanted] if wanted else [])


@pytest.mark.parametrize("tag", [LOADS, "<script src='/static/a/live.js'></script>"])
def test_somebody_serves_the_static_files(tag: str, tmp_path: Path) -> None:
    files = {PAGE: tag, SCRIPT: "", "app/settings.py": "INSTALLED_APPS = []\n"}
    slug = "client-static-file-not-there"
    assert look(tmp_path, files) == [(slug, "app/settings.py", 1)]
