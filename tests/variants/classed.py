# ruff: noqa: E501  (the project's own lines)
"""Sockets in classes of their own: what is wrong around them, and what is not."""

from __future__ import annotations

from shapes import Change

SEVERAL: tuple[
    tuple[str, str, dict[str | None, str], tuple[Change, ...]],
    ...,
] = (
    (
        "a path in options, a handler of another name",
        "apiary",
        {
            "client-path-differs-from-route": "yards/static/yards/js/yard.js",
            "client-reads-another-key": "yards/static/yards/js/hive.js",
        },
        (
            (
                "yards/static/yards/js/net/live.js",
                "export class LiveSocket",
                "class Base",
            ),
            (
                "yards/static/yards/js/net/live.js",
                "    this.#ws.close(1000);\n  }\n}\n",
                "    this.#ws.close(1000);\n  }\n}\n\nexport class LiveSocket extends Base {\n  reconnect() {\n    this.open();\n  }\n}\n",
            ),
            (
                "yards/static/yards/js/net/live.js",
                "constructor(path) {",
                "constructor({ path, retries = 3 }) {",
            ),
            (
                "yards/static/yards/js/yard.js",
                "new LiveSocket('/ws/yards/' + hives.dataset.yard + '/')",
                "new LiveSocket({ path: '/ws/yard/' + hives.dataset.yard + '/', retries: 5 })",
            ),
            (
                "yards/static/yards/js/hive.js",
                "  swarmed({ tree }) {",
                "  swarm({ tree }) {",
            ),
        ),
    ),
    (
        "what events tell, what a caller says, and when",
        "apiary",
        {
            "client-reads-another-key": "yards/static/yards/js/yard.js",
            "client-sends-another-key": "yards/static/yards/js/hive.js",
            "client-send-before-open": "yards/static/yards/js/hive.js",
        },
        (
            (
                "yards/static/yards/js/yard.js",
                "({ detail }) => {\n  row(detail.hive).textContent = `${detail.hive}: ${detail.value} kg`;",
                "({ detail: { hive, kilos } }) => {\n  row(hive).textContent = `${hive}: ${kilos} kg`;",
            ),
            (
                "yards/static/yards/js/hive.js",
                "channel.post({ kind: 'swarm', tree:",
                "channel.post({ action: 'swarm', tree:",
            ),
            (
                "yards/static/yards/js/net/channel.js",
                "    if (!this.isOpen) return false;\n",
                "",
            ),
            (
                "yards/static/yards/js/hive.js",
                "document.querySelector('#swarm')",
                "channel.post({ kind: 'swarm', tree: 'oak' });\ndocument.querySelector('#swarm')",
            ),
        ),
    ),
    (
        "fields that are spread, and what listeners show",
        "apiary",
        {
            "client-sends-another-key": "yards/static/yards/js/yard.js",
            "client-message-into-innerhtml": "yards/static/yards/js/yard.js",
            "group-sender-gets-own-message": "yards/static/yards/js/yard.js",
        },
        (
            (
                "yards/static/yards/js/net/live.js",
                "export class LiveSocket",
                "class Base",
            ),
            (
                "yards/static/yards/js/net/live.js",
                "    this.#ws.close(1000);\n  }\n}\n",
                "    this.#ws.close(1000);\n  }\n}\n\nexport class LiveSocket extends Base {\n  reconnect() {\n    this.open();\n  }\n}\n",
            ),
            (
                "yards/static/yards/js/yard.js",
                "live.send('say', { text: form",
                "live.send('say', { message: form",
            ),
            (
                "yards/static/yards/js/yard.js",
                "item.textContent = event.detail.text",
                "item.innerHTML = event.detail.text",
            ),
            (
                "yards/static/yards/js/yard.js",
                "  form.reset();",
                "  const item = document.createElement('li');\n  item.textContent = form.elements.text.value;\n  notes.append(item);\n  form.reset();",
            ),
        ),
    ),
    (
        "another name of the socket, a kind under another key",
        "apiary",
        {
            "client-send-object": "yards/static/yards/js/net/channel.js",
            "client-reads-another-key": "yards/static/yards/js/net/channel.js",
            "client-send-before-open": "yards/static/yards/js/yard.js",
        },
        (
            (
                "yards/static/yards/js/net/channel.js",
                "this.#socket.send(JSON.stringify(message));",
                "this.#socket.send(message);",
            ),
            (
                "yards/static/yards/js/net/channel.js",
                "this.#handlers[message.kind]?.(message);",
                "this.#handlers[message.type]?.(message);",
            ),
            (
                "yards/static/yards/js/net/live.js",
                "${location.host}${path}`;",
                "${location.host}${path}`;\n    this.open();",
            ),
            (
                "yards/static/yards/js/yard.js",
                "live.open();",
                "live.send('weigh', { hive: 'east' });",
            ),
        ),
    ),
    (
        "listeners that on() takes, words that send() says",
        "yard",
        {
            "client-reads-another-key": "yards/static/yards/js/main.js",
            "client-sends-another-key": "yards/static/yards/js/main.js",
            "client-message-into-innerhtml": "yards/static/yards/js/main.js",
        },
        (
            ("yards/static/yards/js/main.js", "chat.on('line'", "chat.on('message'"),
            (
                "yards/static/yards/js/main.js",
                "text: form.elements.text.value }",
                "message: form.elements.text.value }",
            ),
            (
                "yards/static/yards/js/main.js",
                "item.textContent = `",
                "item.innerHTML = `",
            ),
        ),
    ),
    (
        "a class of a classic script, and its options",
        "yard",
        {
            "client-reads-another-key": "yards/static/yards/js/hive-socket.js",
            "client-sends-another-key": "yards/static/yards/js/hive-socket.js",
            "client-send-before-open": "yards/templates/yards/hive.html",
        },
        (
            (
                "yards/static/yards/js/hive-socket.js",
                "this.events[message.event]",
                "this.events[message.type]",
            ),
            ("yards/static/yards/js/hive-socket.js", "{ event: name,", "{ type: name,"),
            (
                "yards/static/yards/js/hive-socket.js",
                "    if (this.ws.readyState !== WebSocket.OPEN) return;\n",
                "",
            ),
            (
                "yards/templates/yards/hive.html",
                "  function show(message)",
                "  live.emit('older');\n  function show(message)",
            ),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "apiary",
        "one event for all, handlers in a Map",
        (
            (
                "yards/static/yards/js/net/live.js",
                "  #hear({ type, ...detail }) {\n    this.dispatchEvent(new CustomEvent(type, { detail }));",
                "  #hear(detail) {\n    this.dispatchEvent(new CustomEvent('message', { detail }));",
            ),
            (
                "yards/static/yards/js/yard.js",
                "live.addEventListener('reading', ({ detail }) => {\n",
                "live.addEventListener('message', ({ detail }) => {\n  if (detail.type !== 'reading') return;\n",
            ),
            (
                "yards/static/yards/js/yard.js",
                "live.addEventListener('note', (event) => {\n",
                "live.addEventListener('message', (event) => {\n  if (event.detail.type !== 'note') return;\n",
            ),
            (
                "yards/static/yards/js/net/channel.js",
                "this.#handlers = handlers;",
                "this.#handlers = new Map(Object.entries(handlers));",
            ),
            (
                "yards/static/yards/js/net/channel.js",
                "this.#handlers[message.kind]?.(message);",
                "this.#handlers.get(message.kind)?.(message);",
            ),
            (
                "yards/static/yards/js/net/live.js",
                "  close() {",
                "  rename(name) {\n    this.dispatchEvent(new CustomEvent('renamed', { detail: { title: name } }));\n  }\n\n  close() {",
            ),
            (
                "yards/static/yards/js/yard.js",
                "live.open();",
                "live.addEventListener('renamed', ({ detail }) => {\n  document.title = detail.title;\n});\nlive.rename('Yard');\nlive.open();",
            ),
        ),
    ),
    (
        "yard",
        "lists of listeners, whole messages, more fields",
        (
            (
                "yards/static/yards/js/chat-socket.js",
                "#listeners = new Map();",
                "#listeners = {};",
            ),
            (
                "yards/static/yards/js/chat-socket.js",
                "    if (!this.#listeners.has(kind)) this.#listeners.set(kind, new Set());\n    this.#listeners.get(kind).add(fn);",
                "    (this.#listeners[kind] ??= []).push(fn);",
            ),
            (
                "yards/static/yards/js/chat-socket.js",
                "    for (const fn of this.#listeners.get(kind) ?? []) fn(fields);",
                "    this.#listeners[kind]?.forEach((fn) => fn(fields));",
            ),
            (
                "yards/static/yards/js/chat-socket.js",
                "      const { type, ...fields } = JSON.parse(data);\n      this.#emit(type, fields);",
                "      const message = JSON.parse(data);\n      this.#emit(message.type, message);",
            ),
            (
                "yards/static/yards/js/main.js",
                "chat.send('say', { by: form.elements.by.value, text: form.elements.text.value });",
                "const fields = { by: form.elements.by.value };\n  fields.text = form.elements.text.value;\n  chat.send('say', fields);",
            ),
            (
                "yards/static/yards/js/main.js",
                "chat.send('typing')",
                "chat.send('typing', { at: Date.now() })",
            ),
        ),
    ),
)
