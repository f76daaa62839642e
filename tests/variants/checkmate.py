# ruff: noqa: E501  (the project's own lines)
"""Mistakes in a chess club, whose causes are spelt as learners spell them."""

from __future__ import annotations

from shapes import Change

RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "chessclub",
        "late",
        (
            (
                "club/templates/club/room.html",
                "{% block scripts %}",
                """\
{% block head %}<script>function later() { document.getElementById('log').title = 'x'; }
if (document.readyState == 'loading') { document.addEventListener('DOMContentLoaded', later); } else { later(); }
</script>{% endblock %}{% block scripts %}""",
            ),
        ),
    ),
    (
        "chessclub",
        "elsewhere-called",
        (
            (
                "club/templates/club/room.html",
                "{% block scripts %}",
                """\
{% block head %}<script>function later() { document.getElementById('log').title = 'x'; }
</script>{% endblock %}{% block scripts %}<script>
later();
</script>""",
            ),
        ),
    ),
    (
        "chessclub",
        "no-way-back-wanted",
        (("club/templates/club/room.html", "      setTimeout(connect, delay);\n", ""),),
    ),
)
WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = (
    (
        "chessclub",
        "install-pinned-channels-3",
        "requirements.txt",
        (
            (
                "requirements.txt",
                """\
channels[daphne]>=4.2
channels-redis>=4.2""",
                """\
channels<4
channels-redis<4""",
            ),
        ),
    ),
    (
        "chessclub",
        "apps-runserver-noasgi",
        "start.sh",
        (("start.sh", "runserver 8000", "runserver --noasgi --noreload 8000"),),
    ),
    (
        "chessclub",
        "client-send-after-close",
        "club/templates/club/room.html",
        (
            (
                "club/templates/club/room.html",
                """\
  connect();
</script>""",
                """\
  connect();

  // keep it alive
  setInterval(function () {
    if (socket.readyState != WebSocket.CONNECTING) {
      socket.send(JSON.stringify({kind: 'chat', text: ''}));
    }
  }, 20000);
</script>""",
            ),
        ),
    ),
    (
        "chessclub",
        "client-handler-called-not-assigned",
        "club/static/club/clock.js",
        (
            (
                "club/static/club/clock.js",
                """\
    ws.onclose = function () {
      clock.textContent = '-';
      setTimeout(start, 5000);
    };
""",
                "    ws.onclose = setTimeout(start, 5000);\n",
            ),
        ),
    ),
    (
        "chessclub",
        "client-script-before-element",
        "club/templates/club/room.html",
        (
            (
                "club/templates/club/room.html",
                """\
{% block scripts %}
<script src="{% static 'club/clock.js' %}"></script>
""",
                """\
{% block head %}
<script src="{% static 'club/clock.js' %}"></script>
{% endblock %}

{% block scripts %}
""",
            ),
        ),
    ),
    (
        "chessclub",
        "test-sends-empty-text",
        "club/tests.py",
        (
            (
                "club/tests.py",
                """\
        await communicator.send_to(text_data='hello')
        self.assertEqual(await communicator.receive_from(), 'pong')
""",
                """\
        for text in ('hello', '', '{'):
            await communicator.send_to(text_data=text)
            self.assertEqual(await communicator.receive_from(), 'pong')
""",
            ),
        ),
    ),
    (
        "chessclub",
        "redis-password-missing",
        "docker-compose.yml",
        (
            (
                "docker-compose.yml",
                None,
                """\
version: '3'
services:
  web:
    build: .
    command: daphne -b 0.0.0.0 -p 8000 checkmate.asgi:application
    ports:
      - "8000:8000"
    environment:
      REDIS_URL: redis://redis:6379/0
    depends_on:
      - redis
  worker:
    build: .
    command: python manage.py runworker engine
    environment:
      REDIS_URL: redis://redis:6379/0
    depends_on:
      - redis
  redis:
    image: redis:7
    command: redis-server --requirepass queen
""",
            ),
            (
                "Dockerfile",
                None,
                """\
FROM python:3.12
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD daphne -b 0.0.0.0 -p 8000 checkmate.asgi:application
""",
            ),
        ),
    ),
    (
        "chessclub",
        "redis-server-too-old",
        "docker-compose.yml",
        (
            (
                "docker-compose.yml",
                None,
                """\
version: '3'
services:
  web:
    build: .
    command: daphne -b 0.0.0.0 -p 8000 checkmate.asgi:application
    ports:
      - "8000:8000"
    environment:
      REDIS_URL: redis://redis:6379/0
    depends_on:
      - redis
  worker:
    build: .
    command: python manage.py runworker engine
    environment:
      REDIS_URL: redis://redis:6379/0
    depends_on:
      - redis
  redis:
    image: redis:3.2-alpine
""",
            ),
            (
                "Dockerfile",
                None,
                """\
FROM python:3.12
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD daphne -b 0.0.0.0 -p 8000 checkmate.asgi:application
""",
            ),
        ),
    ),
    (
        "chessclub",
        "origin-allowed-hosts-with-scheme-or-port",
        "deploy/checkmate.service",
        (
            (
                "deploy/checkmate.service",
                "Environment=HOSTS=chess.example.org",
                "Environment=HOSTS=https://chess.example.org",
            ),
        ),
    ),
    (
        "chessclub",
        "origin-validator-scheme-or-port-mismatch",
        "checkmate/asgi.py",
        (
            (
                "checkmate/asgi.py",
                "import AllowedHostsOriginValidator",
                "import OriginValidator",
            ),
            ("checkmate/asgi.py", "AllowedHostsOriginValidator(", "OriginValidator("),
            (
                "checkmate/asgi.py",
                """\
            )
        )
    ),
""",
                """\
            )
        ),
        ['https://chess.example.org', 'https://localhost', 'https://127.0.0.1'],
    ),
""",
            ),
        ),
    ),
    (
        "chessclub",
        "auth-session-cookie-secure-over-http",
        "checkmate/settings.py",
        (
            (
                "checkmate/settings.py",
                """\
if not DEBUG:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
""",
                """\
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

if not DEBUG:
""",
            ),
        ),
    ),
    (
        "chessclub",
        "db-related-object-touched-later",
        "club/consumers.py",
        (
            (
                "club/consumers.py",
                "            await self.send(text_data=json.dumps({'left': left}))\n",
                """\
            await self.send(text_data=json.dumps({
                'left': left, 'owner': self.room.owner.username}))
""",
            ),
        ),
    ),
    (
        "chessclub",
        "redis-message-not-serialisable",
        "club/consumers.py",
        (
            (
                "club/consumers.py",
                """\
            'text': question.text,
            'fen': question.fen,
        })
""",
                """\
            'question': question,
        })
""",
            ),
            (
                "club/consumers.py",
                """\
            'text': event['text'],
            'fen': event['fen'],
""",
                """\
            'text': event['question'].text,
            'fen': event['question'].fen,
""",
            ),
        ),
    ),
    (
        "chessclub",
        "deploy-uvicorn-without-websocket-library",
        "requirements.txt",
        (
            (
                "requirements.txt",
                "channels[daphne]>=4.2",
                """\
channels[daphne]>=4.2
uvicorn""",
            ),
            (
                "Procfile",
                "daphne -b 0.0.0.0 -p $PORT",
                "uvicorn --host 0.0.0.0 --port $PORT",
            ),
        ),
    ),
    (
        "chessclub",
        "client-handler-called-not-assigned",
        "club/static/club/clock.js",
        (
            (
                "club/static/club/clock.js",
                """\
      setTimeout(start, 5000);
    };
""",
                """\
      setTimeout(start, 5000);
    };
    return ws;
""",
            ),
            (
                "club/static/club/clock.js",
                """\
  start();
})""",
                """\
  var ws = start();
  window.onbeforeunload = ws.close();
})""",
            ),
        ),
    ),
    (
        "chessclub",
        "test-live-server-in-memory",
        "checkmate/settings.py",
        (
            (
                "club/tests.py",
                "from channels.testing import WebsocketCommunicator",
                "from channels.testing import ChannelsLiveServerTestCase, WebsocketCommunicator",
            ),
            (
                "club/tests.py",
                "class SocketTests",
                """\
class LiveTests(ChannelsLiveServerTestCase):
    serve_static = True

    def test_lobby(self):
        from urllib.request import urlopen
        page = urlopen(self.live_server_url + '/').read().decode()
        self.assertIn('Rooms', page)


class SocketTests""",
            ),
        ),
    ),
    (
        "chessclub",
        "client-no-reconnect",
        "club/static/club/clock.js",
        (
            (
                "club/static/club/clock.js",
                "      setTimeout(start, 5000);\n",
                "      setTimeout(function () { ws = new WebSocket(scheme + window.location.host + '/ws/clock/' + code + '/'); }, 5000);\n",
            ),
        ),
    ),
    (
        "chessclub",
        "client-no-reconnect",
        "club/templates/club/room.html",
        (
            (
                "club/templates/club/room.html",
                """\
  function connect() {
    socket = new WebSocket(url);

    socket.onmessage""",
                """\
  function connect() {
    socket = new WebSocket(url);
  }

  connect();

    socket.onmessage""",
            ),
            (
                "club/templates/club/room.html",
                """\
      delay = Math.min(delay * 2, 30000);
    };
  }
""",
                """\
      delay = Math.min(delay * 2, 30000);
    };
""",
            ),
            (
                "club/templates/club/room.html",
                """\
  connect();
</script>""",
                "</script>",
            ),
        ),
    ),
    (
        "chessclub",
        "client-too-many-sockets",
        "club/templates/club/room.html",
        (
            (
                "club/templates/club/room.html",
                """\
  $('hint').onclick = function () {
    say({kind: 'hint'});
  };
""",
                """\
  $('hint').onclick = function () {
    var other = new WebSocket(url);
    other.onopen = function () { other.send(JSON.stringify({kind: 'hint'})); };
    other.onmessage = function (e) { log(JSON.parse(e.data).text); };
  };
""",
            ),
        ),
    ),
    (
        "chessclub",
        "client-too-many-sockets",
        "club/templates/club/index.html",
        (
            (
                "club/templates/club/index.html",
                """\
  connect();
</script>""",
                """\
  setInterval(connect, 5000);
  connect();
</script>""",
            ),
        ),
    ),
    (
        "chessclub",
        "client-script-before-element",
        "club/templates/club/room.html",
        (
            (
                "club/templates/club/room.html",
                "{% block scripts %}",
                """\
{% block head %}<script>function later() { document.getElementById('log').title = 'x'; }
later()
</script>{% endblock %}{% block scripts %}""",
            ),
        ),
    ),
    (
        "chessclub",
        "client-element-not-there",
        "club/templates/club/room.html",
        (
            (
                "club/templates/club/room.html",
                "      log('Connection lost.');\n",
                "      $('status').textContent = 'Connection lost.';\n",
            ),
        ),
    ),
    (
        "chessclub",
        "nginx-502-upstream-down",
        "deploy/checkmate.nginx.conf",
        (("deploy/checkmate.nginx.conf", "127.0.0.1:8001", "127.0.0.1:8000"),),
    ),
    # Told while it connects, so that its client has not said a word yet.
    (
        "chessclub",
        "group-event-without-key",
        "club/consumers.py",
        (
            (
                "club/consumers.py",
                """\
        self.accept()
        Online.objects.create(
            room=""",
                """\
        self.accept()
        async_to_sync(self.channel_layer.group_send)(self.group, {
            'type': 'room.chat',
            'text': 'welcome',
        })
        Online.objects.create(
            room=""",
            ),
        ),
    ),
    (
        "chessclub",
        "group-event-without-key",
        "club/consumers.py",
        (
            (
                "club/consumers.py",
                """\
        Message.objects.create(room=self.room, nick=self.nick, text=text)
        async_to_sync(self.channel_layer.group_send)(self.group, {
            'type': 'room.chat',
            'nick': self.nick,
            'text': text,
        })
""",
                """\
        Message.objects.create(room=self.room, nick=self.nick, text=text)
        async_to_sync(self.channel_layer.group_send)(self.group, {
            'type': 'room.chat',
            'text': text,
        })
""",
            ),
        ),
    ),
)
