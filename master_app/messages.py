"""The messages that a client may send on ws/readings/."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Message(BaseModel):
    """What all have in common: no unknown field, no guessed type."""

    model_config = ConfigDict(extra='forbid', strict=True)


class Hello(Message):
    """A client is here; the last reading it knows is `after`."""

    type: Literal['hello']
    after: int = Field(ge=0, le=2**53 - 1)  # JavaScript's safe integers


class Publish(Message):
    """A new reading."""

    type: Literal['publish']
    value: int = Field(ge=0, le=100)


class Ack(Message):
    """A client has this live reading, and those before it."""

    type: Literal['ack']
    id: int


incoming = TypeAdapter(
    Annotated[Hello | Publish | Ack, Field(discriminator='type')],
)

# What pydantic may find, in the words of our table; all else is a field.
CODES = {
    'json_invalid': 'json',
    'dict_type': 'object',
    'union_tag_not_found': 'type',
    'union_tag_invalid': 'type',
}


def complaint(error):
    """The code and the text for the first thing that pydantic found."""
    first = error.errors()[0]
    code = CODES.get(first['type'], 'field')
    names = [str(name) for name in first['loc'][1:]]
    return code, ': '.join([*names, first['msg']])
