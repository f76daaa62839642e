"""Pages and their scripts together: what one of them says, and the other does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_doctor_everyday import (
    CONSUMERS,
    EXT,
    GONE,
    HX,
    LOADS,
    OPEN,
    PAGE,
    SCRIPT,
    SHOWS,
    STATICFILES,
    TAKEN,
    VIEWS,
    look,
)

LOST = "client-no-reconnect"
AGAIN = f"let ws;\nfunction open() {{\n  {OPEN.replace('const ', '')}" + (
    "  ws.onopen = () => say('a');\n  ws.onclose = () => setTimeout(open, 9);\n}\n"
)
TWICE, MORE = "client-script-not-readable", "app/static/a/more.js"
NOT_THERE = "client-element-not-there"
NAMES = "const byId = (id) => document.getElementById(id);\n"
ROWS = "<template id=row><td class='low'></td></template><input name='high'>"
ROW = "const row = document.querySelector('#row').content.cloneNode(true);\n"
JQUERY = "<p id=log></p><script src='https://a.example/jquery.min.js'></script>"
SENDS = OPEN + "const say = () => ws.send(JSON.stringify({ action: %s, sensor: 1 }));"
SENT, TOKEN = "client-sends-another-key", "client-form-without-csrf-token"
LOGIN = "app/templates/a/enter.html"
LOGINS = """
from django.contrib.auth.views import LoginView
from django.urls import path

from app import views

urlpatterns = [
    path("", views.page),
    path("enter/", LoginView.as_view(template_name="a/enter.html")),
]
"""
DUMPED = VIEWS.replace('{"path": "/ws/a/"}', 'json.dumps({"path": "/ws/a/"})').replace(
    "\nfrom", "import json\nfrom", 1
)
POSTS = (
    VIEWS.replace("def told", "@require_POST\ndef told").replace(
        '"count": 3', '"count": request.POST["a"]'
    )
    + "from django.views.decorators.http import require_POST\n"
)
Files = dict[str, str]


def page(body: str) -> Files:
    return {PAGE: body + LOADS, SCRIPT: ""}


def script(text: str, body: str = "<p id=log class='box'></p>") -> Files:
    return {PAGE: body + LOADS, SCRIPT: text}


# What is wrong: the files, the slug, where.
WRONG: dict[str, tuple[Files, str | None, str, int]] = {
    "a sign in an id": (
        script(NAMES + "byId('#log').hidden = true;"), NOT_THERE, SCRIPT, 2,
    ),
    "an id without its sign": (
        script("const a = document.querySelector('log-line');\nb.onclick = () => "
               "a.remove();", "<p id=log-line></p>"),
        NOT_THERE, SCRIPT, 1,
    ),
    "a field's name for a class": (
        script(ROW + "row.querySelector('.high').hidden = true;", ROWS),
        NOT_THERE, SCRIPT, 2,
    ),
    "in a selector's end": (
        script("document.querySelector('#log .line').hidden = true;"),
        NOT_THERE, SCRIPT, 1,
    ),
    "kept in an object": (
        script("class A {\n  constructor() { this.a = document.getElementById('a'); }\n"
               "  b() { this.a.hidden = true; }\n}\nnew A().b();"),
        NOT_THERE, SCRIPT, 2,
    ),
    "of jQuery": (script("$('#lag').text(1);", JQUERY), NOT_THERE, SCRIPT, 1),
    "a method of jQuery": (script("$('#log').text = 1;", JQUERY), TAKEN, SCRIPT, 1),
    "the layer's word": (
        script(SENDS % "'Watch'", ""), SENT, SCRIPT, 2,
    ),
    "JSON of JSON": (
        {**page('{{ facts|json_script:"a" }}'), SHOWS: DUMPED},
        "client-json-encoded-twice", SHOWS, 7,
    ),
    "a dict in a script": (
        page("<script>const a = {{ facts }};</script>"),
        "client-template-variable-unquoted", PAGE, 1,
    ),
    "a slim library": (
        script("$.post('/told/', $('#log').serialize());",
               JQUERY.replace("jquery", "jquery.slim")),
        "client-name-not-there", PAGE, 1,
    ),
    "a hidden cookie": (
        {**script("const a = getCookie('csrftoken');", "{% csrf_token %}"),
         "app/settings.py": "CSRF_COOKIE_HTTPONLY = True\n"},
        TOKEN, SCRIPT, 1,
    ),
    "a login page's name": (
        {LOGIN: "<form method=post>{{ form.errors }}{% csrf_token %}<input name=user>"
                "</form>", "app/urls.py": LOGINS},
        "client-form-field-not-named", LOGIN, 1,
    ),
    "a room's page": (
        script("location.pathname = '/room/' + room + '/';"), GONE, SCRIPT, 1,
    ),
    "no slash of an attribute": (
        script("const a = document.getElementById('log').dataset.to;\n"
               "fetch(a, { method: 'POST', headers: { 'X-CSRFToken': b } });",
               "<p id=log data-to='/told'></p>"),
        "client-form-leads-nowhere", SCRIPT, 2,
    ),
    "a GET for a POST": (
        {**script("fetch('/told/');"), SHOWS: POSTS},
        "client-form-method-refused", SCRIPT, 1,
    ),
    "JSON for a form": (
        {**script("$.ajax({ url: '/told/', type: 'POST', headers: { a },\n"
                  "data: JSON.stringify({ a: 1 }) });", JQUERY), SHOWS: POSTS},
        "client-body-not-as-the-view-reads-it", SCRIPT, 2,
    ),
    "htmx's token": (page("<p id=a><b hx-post='/told/'></b></p>"), TOKEN, PAGE, 1),
    "htmx's target": (page("<b hx-get='/' hx-target='#a'></b>"), NOT_THERE, PAGE, 1),
    "htmx's piece": (page("<b id='a' hx-swap-oob='true'></b>"), NOT_THERE, PAGE, 1),
    "declared twice": (script("const a = 1;\nlet a = 2;"), TWICE, SCRIPT, 2),
    "declared in a case": (
        script("switch (b) {\n  case 1: const a = 1;\n  case 2: const a = 2;\n}"),
        TWICE, SCRIPT, 3,
    ),
    "declared by two scripts": (
        {PAGE: LOADS + LOADS.replace("live", "more"), SCRIPT: "let a = 1;", MORE:
         "\nfunction a() {}"},
        TWICE, MORE, 2,
    ),
    "what push gives": (
        script("let a = [];\nb.onclick = () => { a = a.push(1); };"), TAKEN, SCRIPT, 2,
    ),
    "one sign of two": (
        script("b.onclick = (c) => {\n  if (c.d = 'e' && c.f) c.g();\n};"),
        "client-assigns-where-it-compares", SCRIPT, 2,
    ),
    "a text's method": (
        script("const a = document.querySelector('p');\na.trim();"), TAKEN, SCRIPT, 2,
    ),
    "an element's value": (script("$('#log').value;", JQUERY), TAKEN, SCRIPT, 1),
    "a tag in a script": (
        page('<script>const a = {{ facts|json_script:"a" }};</script>'), TWICE, PAGE, 1,
    ),
    "a key's name": (
        script("b.onkeyup = (e) => { if (e.key === 'enter') b.click(); };"),
        "client-name-in-other-letters", SCRIPT, 1,
    ),
    "a promise that is caught": (
        script("async function f() {\n  const a = fetch('/').catch(() => null);\n"
               "  if (a?.redirected) b();\n}"),
        TAKEN, SCRIPT, 2,
    ),
    "an arrow's this": (
        script("$('#log').on('click', () => {\n  say($(this).data());\n});", JQUERY),
        "client-method-without-this", SCRIPT, 2,
    ),
    "nobody opens again": (
        script(f"function open() {{\n  {OPEN}}}\n"
               "function again() { setTimeout(open, 9); }\nopen();"),
        LOST, SCRIPT, 4,
    ),
    "heard once": (
        script(AGAIN + "open();\nws.onmessage = (e) => say(e.data);"), LOST, SCRIPT, 8,
    ),
    "a timer of the page's": (
        script("class Live {\n  constructor(said) { this.said = said; this.open(); }\n"
               f"  open() {{\n    {OPEN.replace('const ws', 'this.ws')}"
               "    this.ws.onopen = () => this.said('a');\n"
               "    this.ws.onclose = () => setTimeout(() => this.open(), 9);\n  }\n}\n"
               "new Live(function said() {\n  setInterval(f, 9);\n});"),
        "client-timer-for-each-connection", SCRIPT, 10,
    ),
    "a tag that is none": (
        script("document.querySelector('canvas').getContext('2d');"),
        NOT_THERE, SCRIPT, 1,
    ),
    "a field of a form": (
        script("document.forms[0].elements.text.value = 1;",
               "<form id=log class='box'><input id=line></form>"),
        "client-form-field-not-named", SCRIPT, 1,
    ),
    "a class that nobody has": (
        script("$('.row').on('click', f);", JQUERY), NOT_THERE, SCRIPT, 1,
    ),
    "a class with a letter more": (
        script("document.querySelectorAll('.boxes').forEach(f);",
               "<p class='boxed'></p>"),
        NOT_THERE, SCRIPT, 1,
    ),
    "two handlers": (
        script(OPEN + "ws.onmessage = (e) => say(e.data);\nws.onmessage = (e) => b();"),
        "client-handler-set-twice", SCRIPT, 3,
    ),
    "opened twice": (
        script(AGAIN + "open();\nwindow.addEventListener('load', open);"),
        "client-too-many-sockets", SCRIPT, 8,
    ),
    "a socket for each return": (
        script(AGAIN + "open();\ndocument.addEventListener('visibilitychange', open);"),
        "client-too-many-sockets", SCRIPT, 3,
    ),
    "again at an error": (
        script(AGAIN.replace("onclose = () => setTimeout(open, 9)", "onerror = open")
               .replace("= open", "= () => open()") + "open();"),
        "client-reconnects-without-pause", SCRIPT, 5,
    ),
    "no base of a URL": (
        script("const a = new URL('/ws/talk/');\nconst ws = new WebSocket(a);"),
        "client-url-without-scheme", SCRIPT, 1,
    ),
    "a port of its own": (
        script("const ws = new WebSocket('ws://' + location.hostname +\n"
               "':8001/ws/talk/');"),
        "auth-other-host-than-the-page", SCRIPT, 1,
    ),
    "a text for an object": (
        script(OPEN + "b.onclick = () => ws.send(c.value.trim());"), SENT, SCRIPT, 2,
    ),
    "a word for an object": (
        script(OPEN + "function say(a) { ws.send(JSON.stringify(a)); }\n"
               "b.onclick = () => say('watch');"),
        SENT, SCRIPT, 3,
    ),
    "a word that a method is given": (
        {**script(OPEN + "ws.onmessage = (e) => { const a = JSON.parse(e.data);\n"
                  "switch (a.event) { case 'was_seen': b(); } };"),
         "app/consumers.py": CONSUMERS.replace('"seen"', "word").replace(
             "            await", "            await self.tell('was.seen')\n\n"
             "    async def tell(self, word, content={}):\n        if word:\n"
             "            await", 1)},
        "client-reads-another-key", SCRIPT, 3,
    ),
    "a field by another name": (
        {**page("<form action='/told/' method=post>{% csrf_token %}<input name=b>"
                "</form>"), SHOWS: POSTS},
        "client-form-field-not-named", PAGE, 1,
    ),
    "a login by GET": (
        {LOGIN: "<form>{{ form.errors }}{% csrf_token %}{{ form }}</form>",
         "app/urls.py": LOGINS},
        "client-form-method-refused", LOGIN, 1,
    ),
    "half an attribute": (
        script("$('.box').on('click', function () { say($(this).data('room')); });",
               JQUERY + "<p class=box data-place=a></p>"),
        "client-data-attribute-not-there", SCRIPT, 1,
    ),
    "a library's event": (
        script(OPEN + "ws.onconnect = () => say('a');"),
        "client-handler-misnamed", SCRIPT, 2,
    ),
    "a text that stays": (
        script("let a = 'b ';\na.trim();"), TAKEN, SCRIPT, 2,
    ),
    "nothing for each": (
        script("const a = [1].map((b) => { b + 1; });"), TAKEN, SCRIPT, 1,
    ),
    "no object for each": (
        script("const a = [1].map((b) => { id: b });"), TAKEN, SCRIPT, 1,
    ),
    "put away": (script("const a = [];\na.push = { b: 1 };"), TAKEN, SCRIPT, 2),
    "a tag in quotes": (
        page('<script>const a = "{% csrf_token %}";</script>'), TWICE, PAGE, 1,
    ),
    "a tag for a token": (
        page("<script>f({ headers: { 'X-CSRFToken': '{% csrf_token %}' } });</script>"),
        TOKEN, PAGE, 1,
    ),
    "a text of a class": (
        {**page("<script>const a = {{ code }};</script>"), SHOWS: VIEWS +
         "class A(TemplateView):\n    template_name = 'a/page.html'\n"
         "    def get_context_data(self, **kwargs):\n        a = {}\n"
         "        a['code'] = self.kwargs['code']\n        return a\n",
         "app/paths.py": "a = 'rooms/<str:code>/'\n"},
        "client-template-variable-unquoted", PAGE, 1,
    ),
    "a form of htmx's page": (
        {PAGE: HX % (EXT, "<form><input name=a></form>")},
        "client-form-reloads-the-page", PAGE, 1,
    ),
    "a field of what a form holds": (
        script("const a = new FormData(document.forms[0]);\na.get('b').trim();",
               "<form id=log class='box'><input name=c></form>"),
        "client-form-field-not-named", SCRIPT, 2,
    ),
    "an arrow's this in a function": (
        script("function f(a) {\n  a.onclick = () => say(this.value);\n}\nf(b);"),
        "client-method-without-this", SCRIPT, 2,
    ),
    "two new sockets": (
        script(AGAIN + "function leave() { ws.close(); open(); }\nopen();\nleave();"),
        "client-too-many-sockets", SCRIPT, 7,
    ),
    "a text where a method asks for a number": (
        {**script(SENDS.replace("sensor: 1", "sensor: b.value") % "'watch'"),
         "app/consumers.py": CONSUMERS.replace(
             'await self.send_json({', 'await self.told(content.get("sensor"))\n\n'
             "    async def told(self, pk, content={}):\n"
             "        if isinstance(pk, int):\n"
             "            await self.send_json({")},
        "client-sends-text-for-number", SCRIPT, 2,
    ),
    "no extension of htmx": (
        {PAGE: HX.replace(' hx-ext="ws"', "") % (EXT, "")}, None, PAGE, 1,
    ),
}  # fmt: skip
RIGHT: dict[str, Files] = {
    "asked after": script("const a = document.getElementById('a');\nif (a) a.b = 1;"),
    "asked before": script(
        "if (document.getElementById('a')) document.getElementById('a').b = 1;"
    ),
    "perhaps": script("document.querySelector('.line')?.remove();"),
    "made there": script(
        "const a = document.createElement('p');\na.className = 'line new';\n"
        "a.append(1);\ndocument.querySelector('p.line').hidden = true;"
    ),
    "in its html": script(
        "log.innerHTML = `<b class=\"n-${1}\" id='c'></b>`;\n"
        "document.querySelector('#c').hidden = true;"
    ),
    "a row's own": script(ROW + "row.querySelector('.low').hidden = true;", ROWS),
    "lists": script("document.querySelectorAll('.line').forEach(f);"),
    "of jQuery": script("$('#log').text(1); $('<p id=a></p>').show();", JQUERY),
    "no jQuery": script(
        "const $ = document.querySelector.bind(document);\n$('#log').dataset.a = 1;"
    ),
    "a function's this": script(
        "class A { b() { c.addEventListener('click', () => this.value); } }\n"
        "d.onclick = function () { k.forEach((f) => f(this.value)); };\n"
        "$('p').each(function () { j.onclick = () => this.style; });\n"
        "const g = { h() { i.onclick = () => this.style; } };",
        JQUERY,
    ),
    "keys": script(
        "b.onkeyup = (e) => { if (e.key == 'a' || e.key === 'Enter') c(); };"
    ),
    "put outside": page(
        '{{ facts|json_script:"a" }}<script>const b = a.textContent;</script>'
    ),
    "heard each time": script(
        AGAIN.replace("  ws.onopen", "  hear();\n  ws.onopen")
        + "function hear() { ws.onmessage = (e) => say(e.data); }\nopen();"
    ),
    "awaited": script(
        "async function f() {\n  const a = await fetch('/').catch(() => null);\n"
        "  if (a?.redirected) b();\n}"
    ),
    "fields of forms": script(
        "const a = document.forms[0].elements;\na.b.value = a.length;\n"
        "document.forms[0].elements.line.value = document.forms[0].elements.c?.value;",
        "<form id=log class='box'><input name=line></form>",
    ),
    "tags that others make": script(
        "document.querySelector('canvas').getContext('2d');", "{{ room|safe }}"
    ),
    "one handler at a time": script(
        OPEN + "ws.onmessage = null;\nws.onmessage = (e) => say(e.data);\n"
        "function other() { ws.onopen = null; ws.onopen = say; }"
    ),
    "one of two handlers put aside": script(
        OPEN + "ws.onmessage = (e) => say(e.data);\n"
        "{% comment %} ws.onmessage = (e) => b(); {% endcomment %}"
        "{# ws.onmessage = (e) => c(); #}"
    ),
    "JSON as a text": script(
        OPEN + 'b.onclick = () => { ws.send(\'{"action": "watch"}\'); };\n'
        "const c = JSON.stringify({ action: 'watch', sensor: 1 });\nws.onopen = () => "
        "ws.send(c);"
    ),
    "data of a library's": script(
        "$('.box').data('chart', f);\n$('.box').data('chart').draw();",
        JQUERY + "<p class=box data-place=a></p>",
    ),
    "results that somebody keeps": script(
        "const f = (a) => a.map((b) => { c(b); });\nlog.classList.replace('a', 'b');\n"
        "location.replace('/');\nconst d = [1].map((b) => { return b; }).filter(f);\n"
        "[2].filter((e) => { if (e) { return true; } return false; }).forEach(f);\n"
        "ws.send = (text) => c(text);"
    ),
    "one new socket": script(
        AGAIN + "function leave() { ws.onclose = null; ws.close(); open(); }\nopen();\n"
        "leave();\nfunction stop() { ws.close(); }\nstop();"
    ),
    "of two scripts in a page": page(
        "{% if facts %}<script>let a = 1;</script>\n{% else %}<script>let a = 2;"
        "</script>{% endif %}"
    ),
    "in braces of its own": script(
        "const a = 1;\nfor (const a of [1]) f(a);\nfunction b() { let a = 2; f(a); }\n"
        "let c;\nwhile (c = f()) f(c);\nvar d = [];\nvar d = d.concat(c);"
    ),
    "one of two scripts": {
        PAGE: f"{{% if facts %}}{LOADS}{{% else %}}{LOADS.replace('live', 'more')}"
        "{% endif %}",
        SCRIPT: "let a = 1;",
        MORE: "let a = 2;",
    },
    "more signs": script(
        "document.querySelector('input:checked, .line').b = 1;\n"
        "document.querySelector('[data-a] > p').b = 1;"
    ),
    "JSON once": {**page("{{ facts }}"), SHOWS: DUMPED},
    "a word of its own": script(SENDS % "'watch'"),
    "a hidden cookie": {
        **script(
            "const a = document.querySelector('[name=csrfmiddlewaretoken]').value;",
            "{% csrf_token %}",
        ),
        "app/settings.py": "CSRF_COOKIE_HTTPONLY = True\n",
    },
    "a form's errors": {
        LOGIN: "<form method=post>{{ form.errors }}{% csrf_token %}{{ form.as_p }}"
        "</form>",
        "app/urls.py": LOGINS,
    },
    "another program's page": script("location.pathname = '/shop/a/b/';"),
    "one name of two": script(
        "function f() { const a = '/told/'; fetch(a, { method: 'POST', headers }); }\n"
        "function g() { const a = '/rooms/1/'; fetch(a); }"
    ),
    "htmx's own": page(
        '<body hx-headers=\'{"X-CSRFToken": "{{ csrf_token }}"}\'><p id=a></p>'
        "<b hx-post='/told/' hx-target='#a'></b><i id=a hx-swap-oob='true'></i>"
    ),
    "htmx's form": page(
        "<form hx-post='/told/'>{% csrf_token %}<b hx-put='/'></b></form>"
    ),
    "another page's": script(
        "document.getElementById('a').b = 1;", "{% include 'elsewhere.html' %}"
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name: str, tmp_path: Path) -> None:
    files, slug, file, line = WRONG[name]
    found = look(tmp_path, files, (STATICFILES,))
    assert found[:1] == [(slug, file, line)]


@pytest.mark.parametrize("name", RIGHT)
def test_what_fits_is_right(name: str, tmp_path: Path) -> None:
    assert look(tmp_path, RIGHT[name], (STATICFILES,)) == []
