"""The messages that a client may send on ws/counter/."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from master_app.messages import Message

DESKS = 4


class Since(Message):
    """A screen is here; `call` is the newest that it knows."""

    type: Literal['since']
    call: int = Field(ge=0, le=2**53 - 1)


class Seen(Message):
    """A screen has shown all calls up to this one."""

    type: Literal['seen']
    call: int


class Next(Message):
    """A desk is free."""

    type: Literal['next']
    desk: int = Field(ge=1, le=DESKS)


incoming = TypeAdapter(
    Annotated[Since | Seen | Next, Field(discriminator='type')],
)
