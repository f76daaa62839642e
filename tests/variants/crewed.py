"""Mistakes in a frontend that is built apart, in tags of htmx, and in two folders."""

from __future__ import annotations

from shapes import Change

HOOK = "frontend/src/useRoster.ts"
BOARD = "backend/roster/templates/roster/board.html"
CONSUMERS = "backend/roster/consumers.py"
TESTS = "backend/roster/tests.py"
NGINX = "deploy/nginx.conf"
SCHEME = 'const scheme = window.location.protocol === "https:" ? "wss" : "ws";'

# As in held.py: the shape, each slug with its file, and the changes.
SEVERAL: tuple[
    tuple[str, str, dict[str | None, str], tuple[Change, ...]],
    ...,
] = (
    (
        "a hook without wss, whose kind lacks a key; another folder; htmx",
        "crew",
        {
            "client-ws-hardcoded-on-https-page": HOOK,
            "client-sends-another-key": HOOK,
            "nginx-static-alias-elsewhere": NGINX,
            "client-path-differs-from-route": BOARD,
        },
        (
            (HOOK, "${scheme}://", "ws://"),
            (HOOK, SCHEME, ""),
            (HOOK, '{ kind: "note", text }', '{ kind: "note", note: text }'),
            (NGINX, "alias /var/www/crew/", "alias /srv/crew/"),
            (BOARD, "/ws/board/", "/ws/boards/"),
        ),
    ),
    (
        "an effect that runs again with each message, of a protocol unanswered",
        "crew",
        {
            "client-subprotocol-not-answered": HOOK,
            "client-too-many-sockets": HOOK,
        },
        (
            (CONSUMERS, 'accept(subprotocol="roster")', "accept()"),
            (HOOK, "}, [shift]);", "}, [shift, notes]);"),
        ),
    ),
    (
        "an effect and a tag of older htmx, a TestCase that waits for a commit",
        "crew",
        {
            "test-testcase-with-database-consumer": TESTS,
            "client-no-trailing-slash": BOARD,
            "client-too-many-sockets": HOOK,
        },
        (
            (HOOK, "    return () => socket.close();\n", ""),
            (TESTS, "import TransactionTestCase", "import TestCase"),
            (TESTS, "(TransactionTestCase)", "(TestCase)"),
            (
                BOARD,
                'hx-ext="ws" ws-connect="/ws/board/"',
                'hx-ws="connect:/ws/board"',
            ),
        ),
    ),
)

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "crew",
        "an effect that a lost socket makes run again, by a number that grows",
        (
            (
                HOOK,
                "    return () => socket.close();\n  }, [shift]);",
                "    socket.onclose = () => {\n"
                "      setTimeout(() => setTries((before) => before + 1), 2000);\n"
                "    };\n"
                "    return () => {\n"
                "      socket.onclose = null;\n"
                "      socket.close();\n"
                "    };\n"
                "  }, [shift, tries]);",
            ),
            (
                HOOK,
                "  const socketRef",
                "  const [tries, setTries] = useState(0);\n  const socketRef",
            ),
        ),
    ),
    (
        "crew",
        "an effect that asks for an open socket, and htmx as it will be",
        (
            (
                HOOK,
                "    const url: string",
                "    if (socketRef.current) return;\n    const url: string",
            ),
            (HOOK, "    return () => socket.close();\n", ""),
            (BOARD, "ws-connect=", "hx-ws:connect="),
            (TESTS, "import TransactionTestCase", "import TestCase"),
            (TESTS, "(TransactionTestCase)", "(TestCase)"),
            (
                TESTS,
                '        await Shift.objects.acreate(name="early")\n',
                "        with self.captureOnCommitCallbacks(execute=True):\n"
                '            await Shift.objects.acreate(name="early")\n',
            ),
        ),
    ),
)
