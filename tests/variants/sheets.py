"""Pages and what starts them, as learners write them from memory."""

from __future__ import annotations

from shapes import Change

ROOM = "chat/templates/chat/room.html"

WRONG: tuple[tuple[str, str, str, tuple[Change, ...]], ...] = ()
RIGHT: tuple[tuple[str, str, tuple[Change, ...]], ...] = (
    (
        "chat",
        "slug-made-a-word",
        (
            ("chat/urls.py", "<str:room_name>", "<slug:room_name>"),
            (
                "chat/views.py",
                '{"room_name": room_name}',
                '{"room_name": room_name.replace("-", "_")}',
            ),
        ),
    ),
)
