"""What the rules make of one consumer, as others write it: wrong, and right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tutor.doctor.child import Told
from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.access import unsaved
from tutor.doctor.rules.consumers import (
    accepting,
    beginning,
    dismissing,
    eventkeys,
    given,
    hiding,
    messages,
    outside,
    parsed,
    reading,
    refused,
    returning,
    scopes,
    signatures,
    threads,
    unset,
)
from tutor.doctor.source import Source

HEAD = """
import asyncio
import json
import threading

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer as Json
from channels.generic.websocket import AsyncWebsocketConsumer as Plain

"""
MODULES = (given, parsed, scopes, unset, messages, beginning, threads, signatures)
MODULES += (refused, outside, hiding, reading, eventkeys)
MODULES += (returning, unsaved, dismissing, accepting)
DIFFER, NEVER = "python-arguments-differ", "consumer-attribute-never-set"
TWICE = "consumer-json-parsed-twice"


def look(tmp_path: Path, text: str) -> list[tuple[str | None, str]]:
    """What is found in a file of consumers: the slugs, and the lines."""
    for name, content in {
        "app/__init__.py": "",
        "app/consumers.py": HEAD + text,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    leaf = {"sample": "/ws/", "is": "consumer", "consumer": "app.consumers.It"}
    walked = Told([{"kind": "walk", "leaves": [{**leaf, "steps": [], "chain": []}]}])
    source = Source(tmp_path, tmp_path)
    seen = Evidence(tmp_path, tmp_path, Told([]), source, walked)
    lines = (HEAD + text).splitlines()
    return [
        (one.slug, lines[(one.place[1] or 1) - 1].strip())
        for module in MODULES
        for one in module.rules(seen)
    ]


# A consumer's base, its body, the mistake and a piece of its line.
WRONG = {
    "a-word-of-messages": (
        "Plain",
        "async def say(self): await self.send(text='hi')",
        (DIFFER, "text='hi'"),
    ),
    "keys-as-words": (
        "Json",
        "async def say(self): await self.send_json(kind='hi', number=1)",
        (DIFFER, "kind='hi'"),
    ),
    "an-event-s-keys-as-words": (
        "Json",
        "async def say(self): await self.channel_layer.group_send('a', type='b', n=1)",
        (DIFFER, "n=1"),
    ),
    "content-parsed": (
        "Json",
        "async def receive_json(self, content):\n  said = json.loads(content)",
        (TWICE, "json.loads(content)"),
    ),
    "event-parsed": (
        "AsyncConsumer",
        "async def websocket_receive(self, event):\n  event = json.loads(event)",
        (TWICE, "json.loads(event)"),
    ),
    "header-in-the-list": (
        "Plain",
        "async def connect(self): self.host = self.scope['headers']['host']\n"
        "async def x(self): return self.host",
        ("auth-headers-are-bytes", "['host']"),
    ),
    "only-added-to": (
        "Plain",
        "async def say(self):\n  self.left = 3\n  self.rest -= 1",
        (NEVER, "self.rest -= 1"),
    ),
    "async-for-a-thread": (
        "Plain",
        "async def connect(self): threading.Thread(target=self.tick).start()\n"
        "async def tick(self): await self.send('1')",
        ("python-async-method-not-awaited", "Thread"),
    ),
    "the-librarys-for-a-thread": (
        "Plain",
        "async def connect(self): threading.Thread(target=self.send).start()",
        ("python-async-method-not-awaited", "Thread"),
    ),
    "async-for-the-loop": (
        "Plain",
        "async def connect(self): asyncio.get_event_loop().call_later(1, self.tick)\n"
        "async def tick(self): await self.send('1')",
        ("python-async-method-not-awaited", "call_later"),
    ),
    "a-list-gathered": (
        "Plain",
        "async def connect(self): await asyncio.gather([self.send('1')])",
        (DIFFER, "gather"),
    ),
    "loaded-from-a-text": (
        "Plain",
        "async def receive(self, text_data): json.load(text_data)['a']",
        ("consumer-json-not-parsed", "json.load("),
    ),
    "hidden-by-a-comparison": (
        "Plain",
        "async def connect(self):\n  self.close = self.scope['path'] != '/'\n"
        "  await self.close()",
        ("consumer-name-hides-method", "!="),
    ),
    "no-turn-for-others": (
        "Plain",
        "async def tick(self):\n  while True:\n    await self.send('1')",
        ("consumer-endless-loop-in-handler", "while True"),
    ),
    "written-and-read-at-once": (
        "Plain",
        "async def receive(self, text_data): json.dumps(text_data)['a']",
        ("consumer-json-not-parsed", "json.dumps("),
    ),
    "written-for-parsed": (
        "Plain",
        "async def receive(self, text_data):\n"
        "  said = json.dumps(text_data)\n  await self.send(said['word'])",
        ("consumer-json-not-parsed", "json.dumps"),
    ),
    "begun-without-its-base": (
        "Plain",
        "def __init__(self): self.left = 3",
        ("consumer-init-without-super", "def __init__"),
    ),
    "stopped-by-a-word": (
        "AsyncConsumer",
        "async def websocket_receive(self, event):\n"
        "  if event['text'] == 'bye': raise StopConsumer()",
        ("consumer-stops-too-early", "bye"),
    ),
    "left-before-it-is-set": (
        "Plain",
        "async def connect(self):\n"
        "  if not self.scope['user']:\n    await self.close()\n    return\n"
        "  self.room = 'a'\n  await self.accept()\n"
        "async def disconnect(self, code): print(self.room)",
        ("group-disconnect-needs-attribute-set-later", "print(self.room)"),
    ),
    "closed-by-a-task": (
        "Plain",
        "async def connect(self):\n  await self.accept()\n  self.go(self.end())\n"
        "def go(self, it): it.close()\n"
        "async def end(self): await self.close(code=1001)",
        ("consumer-close-code-not-allowed", "code=1001"),
    ),
    "in-another-handler": (
        "Plain",
        "async def connect(self):\n  await self.accept()\n"
        "  async def receive(self, text_data): await self.send(text_data)",
        ("consumer-receive-handler-misnamed", "def receive"),
    ),
    "named-as-a-method-of-the-library": (
        "Plain",
        "async def connect(self):\n  self.close = False\n  await self.close()",
        ("consumer-name-hides-method", "self.close = False"),
    ),
    "a-close-that-closes-nothing": (
        "Plain",
        "async def close(self): print('bye')\n"
        "async def receive(self, text_data): await self.close()",
        ("consumer-name-hides-method", "def close"),
    ),
    "a-query-asked-for-a-text": (
        "Plain",
        "async def connect(self): self.key = self.scope['query_string']['key']\n"
        "async def x(self): return self.key",
        ("auth-query-string-is-bytes", "['key']"),
    ),
    "more-than-the-content": (
        "Json",
        "async def receive_json(self, content, close): await self.send_json(content)",
        ("consumer-generic-receive-parameter-renamed", "def receive_json"),
    ),
    "dismissed-by-its-handler": (
        "Plain",
        "async def disconnect(self, code): print(code)\n"
        "async def receive(self, text_data): await self.disconnect(4000)",
        ("consumer-disconnect-called", "self.disconnect(4000)"),
    ),
    "accepted-too-late": (
        "AsyncConsumer",
        "async def websocket_connect(self, event):\n  await asyncio.sleep(8)\n"
        "  await self.send({'type': 'websocket.accept'})",
        ("consumer-never-accepts", "asyncio.sleep(8)"),
    ),
    "named-as-its-own-method": (
        "Plain",
        "async def tick(self): pass\n"
        "async def connect(self):\n  self.tick = 0\n  await self.tick()",
        ("consumer-name-hides-method", "self.tick = 0"),
    ),
    "a-dispatch-of-its-own": (
        "Json",
        "async def receive_json(self, content): await self.dispatch(content)\n"
        "async def dispatch(self, content): await self.send_json(content)",
        ("consumer-name-hides-method", "def dispatch"),
    ),
    "wrapped-with-its-arguments": (
        "Plain",
        "def go(self): async_to_sync(self.channel_layer.group_add, 'a', 'b')()",
        (DIFFER, "'a', 'b'"),
    ),
    "wrapped-and-not-called": (
        "Plain",
        "async def go(self): self.last = await database_sync_to_async(self.find)\n"
        "def find(self): pass",
        ("python-function-not-called", "(self.find)"),
    ),
    "a-message-s-own-word": (
        "AsyncConsumer",
        "async def websocket_receive(self, event): print(event.get('message'))",
        ("group-event-without-key", "'message'"),
    ),
    "an-event-taken-for-the-scope": (
        "AsyncConsumer",
        "async def websocket_connect(self, event): self.to = event['url_route']",
        ("group-event-without-key", "'url_route'"),
    ),
    "returned-and-not-sent": (
        "Plain",
        "async def receive(self, text_data):\n"
        "  answer = {'said': text_data}\n  return json.dumps(answer)",
        ("consumer-answer-returned", "return json.dumps"),
    ),
    "noted-in-a-session": (
        "Plain",
        "async def connect(self):\n  held = self.scope['session']\n"
        "  held['seen'] = True\n  await self.accept()",
        ("auth-session-not-saved", "held['seen']"),
    ),
    "closed-with-a-text": (
        "Plain",
        "async def receive(self, text_data): await self.close('bye')",
        ("consumer-close-code-not-allowed", "'bye'"),
    ),
}
RIGHT = {
    "text-by-its-place": ("Plain", "async def say(self): await self.send('hi')"),
    "unpacked": ("Plain", "async def say(self, **all): await self.send(**all)"),
    "its-own-send": (
        "Json",
        "async def send_json(self, **all): await super().send_json(all)\n"
        "async def say(self): await self.send_json(kind='hi')",
    ),
    "of-the-library-below": (
        "Json",
        "async def say(self): await self.send_json({'a': 1}, close=True)",
    ),
    "content-of-its-own": (
        "Json",
        "@classmethod\n"
        "async def decode_json(cls, text_data): return text_data\n"
        "async def receive_json(self, content): json.loads(content)",
    ),
    "a-text-of-it": (
        "AsyncConsumer",
        "async def websocket_receive(self, event):\n"
        "  text = event['text']\n  json.loads(text)",
    ),
    "another-by-that-name": (
        "Json",
        "async def receive_json(self, content):\n"
        "  content = content['text']\n  json.loads(content)",
    ),
    "headers-by-bytes": (
        "Plain",
        "async def x(self): return dict(self.scope['headers'])[b'host']",
    ),
    "plain-for-a-thread": (
        "Plain",
        "async def go(self): threading.Thread(target=self.tick).start()\n"
        "def tick(self): print()",
    ),
    "plain-for-the-loop": (
        "Plain",
        "async def go(self):\n"
        "  asyncio.get_event_loop().call_soon(self.tick, 1)\n"
        "  await asyncio.gather(*[self.send('1')])\n"
        "def tick(self, n): print(n)",
    ),
    "a-turn-for-others": (
        "Plain",
        "async def tick(self, n):\n  while True:\n    await self.send(await n.get())\n"
        "async def once(self):\n  while True:\n    await self.send('1')\n    return",
    ),
    "written-for-a-file": (
        "Plain",
        "async def receive(self, text_data):\n"
        "  said = json.dumps(text_data)\n  print(said)",
    ),
    "begun-with-groups-of-its-own": (
        "Plain",
        "groups = ['all']\ndef __init__(self): self.left = 3",
    ),
    "begun-with-its-base": (
        "Plain",
        "def __init__(self, *more, **all): Plain.__init__(self, *more, **all)",
    ),
    "a-raw-one-s-beginning": ("AsyncConsumer", "def __init__(self): self.left = 3"),
    "closed-and-stopped": (
        "AsyncConsumer",
        "async def websocket_receive(self, event):\n"
        "  await self.send({'type': 'websocket.close'})\n  raise StopConsumer()",
    ),
    "left-with-a-look": (
        "Plain",
        "async def connect(self):\n"
        "  self.inside = False\n"
        "  if not self.scope['user']: return await self.close()\n"
        "  self.room, self.inside = 'a', True\n  await self.accept()\n"
        "async def disconnect(self, code):\n  if self.inside: print(self.room)",
    ),
    "set-before-anybody-is-refused": (
        "Plain",
        "async def connect(self):\n"
        "  self.room = 'a'\n"
        "  if not self.scope['user']: return await self.close()\n"
        "  await self.accept()\n"
        "async def disconnect(self, code): print(self.room)",
    ),
    "added-to-a-class-s": (
        "Plain",
        "rest = 3\nasync def say(self): self.rest -= 1",
    ),
    "refused-by-a-helper": (
        "Plain",
        "async def connect(self):\n  await self.end()\n  await self.accept()\n"
        "async def end(self): await self.close(code=1001)",
    ),
    "a-dispatch-that-hands-on": (
        "Json",
        "async def dispatch(self, event): await Json.dispatch(self, event)",
    ),
    "sent-by-another": (
        "Plain",
        "async def connect(self):\n  self.send = self.scope['sender']\n"
        "  await self.send('hi')",
    ),
    "wrapped-for-later": (
        "Plain",
        "async def go(self):\n  find = database_sync_to_async(self.find)\n"
        "  await find()\n  await database_sync_to_async(self.find, True)()\n"
        "def find(self): pass",
    ),
    "what-a-server-tells": (
        "AsyncConsumer",
        "async def websocket_receive(self, event): print(event['text'])\n"
        "async def websocket_disconnect(self, event): print(event['code'])",
    ),
    "an-event-of-its-own": (
        "AsyncConsumer",
        "async def websocket_receive(self, event):\n"
        "  event = json.loads(event['text'])\n  print(event['message'])",
    ),
    "returned-to-itself": (
        "Json",
        "async def receive_json(self, content): return {'said': content}\n"
        "async def receive(self, text_data):\n"
        "  await self.send_json(await self.receive_json(json.loads(text_data)))",
    ),
    "returned-when-all-is-sent": (
        "Json",
        "async def receive_json(self, content):\n"
        "  await self.answer(content)\n  return {'said': content}\n"
        "async def answer(self, content): await self.send_json(content)",
    ),
    "saved-in-a-session": (
        "Plain",
        "async def connect(self):\n  self.scope['session']['seen'] = True\n"
        "  await database_sync_to_async(self.scope['session'].save)()",
    ),
    "saved-by-a-helper": (
        "Plain",
        "async def connect(self):\n  self.scope['session']['seen'] = True\n"
        "  await save_session(self.scope)",
    ),
    "returned-to-a-decorator": (
        "Json",
        "@answering\nasync def receive_json(self, content): return {'said': content}",
    ),
    "accepted-in-time": (
        "Plain",
        "async def connect(self):\n  await asyncio.sleep(1)\n"
        "  await self.accept()\n  await asyncio.sleep(8)",
    ),
    "noted-for-itself": (
        "Plain",
        "async def go(self): self.scope['session']['seen'] = 0\n"
        "async def receive(self, text_data): print(self.scope['session']['seen'])",
    ),
    "tidied-and-closed": (
        "Plain",
        "async def disconnect(self, code): print(code)\n"
        "async def end(self): await self.close()\n"
        "async def receive(self, text_data):\n"
        "  await self.disconnect(4000)\n  await self.end()",
    ),
    "closed-by-its-own-word": (
        "Plain",
        "async def close(self, why): await super().close(int(why))\n"
        "async def receive(self, text_data): await self.close('4000')",
    ),
}


def test_a_handler_outside_its_class_is_named(tmp_path: Path) -> None:
    outside = "\nasync def receive(self, text_data): await self.send(text_data)\n"
    inside = text("Plain", "async def connect(self): await self.accept()")
    found = look(tmp_path, inside + outside)
    assert found == [("consumer-receive-handler-misnamed", outside.strip())]
    given = "It.receive = receive\n"
    assert look(tmp_path, inside + outside + given) == []


def text(base: str, body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"\nclass It({base}):\n{lines}\n"


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named(name: str, tmp_path: Path) -> None:
    base, body, (slug, piece) = WRONG[name]
    found = look(tmp_path, text(base, body))
    assert [one for one in found if one[0] == slug and piece in one[1]], found


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found(name: str, tmp_path: Path) -> None:
    slugs = {slug for _, _, (slug, _) in WRONG.values()}
    found = look(tmp_path, text(*RIGHT[name]))
    assert not [one for one in found if one[0] in slugs], found
