"""What the check of stored readings does in the project's own process."""

# A form is sent inside a transaction, and that is rolled back; then again, and kept.
ROLLED_BACK = """
import asyncio, json
from contextlib import suppress
from asgiref.sync import sync_to_async
from channels.routing import get_default_application
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

model = get_user_model()
client = Client(raise_request_exception=False, headers={"host": "localhost"})

@sync_to_async
def login():
    client.force_login(model.objects.get(**{model.USERNAME_FIELD: "visitor"}))
    return client.cookies.output(attrs=[], header="", sep=";").encode()

@sync_to_async
def publish(value, kept):
    with transaction.atomic():
        status = client.post("/publish/", {"value": value}).status_code
        transaction.set_rollback(not kept)
    return status

# What was told of the first reading comes before what is told of the second, and both
# before the answer to a message of no kind, or hardly later.
async def heard(value):
    values = []
    await talk.send_input({"type": "websocket.receive", "text": '{"type": "-"}'})
    with suppress(TimeoutError):
        async with asyncio.timeout(10) as limit:
            while value not in values:
                event = await talk.receive_output(10)
                message = json.loads(event.get("text") or "{}")
                if message.get("type") == "reading":
                    values.append(message.get("value"))
                elif message.get("type") == "error":
                    limit.reschedule(asyncio.get_running_loop().time() + 2)
    return values

headers = [(b"origin", b"http://localhost"), (b"cookie", await login())]
talk = WebsocketCommunicator(
    get_default_application(), "/ws/readings/", headers=headers
)
await talk.connect(timeout=10)
statuses = [await publish(51, False), await publish(52, True)]
values = await heard(52)
print(json.dumps([[statuses[0], 51 in values], [statuses[1], 52 in values]]))
"""
