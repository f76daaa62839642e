"""The library calls that are known: what they wait for, block or return."""

from __future__ import annotations

LAYER_METHODS = {
    "group_add",
    "group_discard",
    "group_send",
    "send",
    "receive",
    "new_channel",
}


LAYERS = ("self.channel_layer", "channels.layers.get_channel_layer()")


CONSUMER_METHODS = {
    *("send", "accept", "close", "send_json", "base_send", "dispatch"),
    *("send_headers", "send_body", "send_response"),
}


INHERITED = {
    "connect",
    "receive",
    "disconnect",
    "receive_json",
    "websocket_connect",
    "websocket_receive",
    "websocket_disconnect",
}


TO_THREAD = {"asgiref.sync.sync_to_async", "channels.db.database_sync_to_async"}


TO_SYNC = "asgiref.sync.async_to_sync"


KNOWN_ASYNC = {
    "asyncio.sleep",
    "asyncio.wait_for",
    "asyncio.wait",
    "asyncio.to_thread",
    "asyncio.open_connection",
    "anyio.sleep",
}


ASYNC_ORM = {
    "acreate",
    "aget",
    "acount",
    "afirst",
    "alast",
    "aexists",
    "aupdate",
    "adelete",
    "asave",
    "aget_or_create",
    "aupdate_or_create",
    "abulk_create",
    "arefresh_from_db",
    "aaggregate",
    "aset",
    "aadd",
}


SYNC_ORM = {
    "create",
    "get",
    "count",
    "first",
    "last",
    "exists",
    "update",
    "delete",
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "aggregate",
    "create_user",
    "create_superuser",
    "latest",
    "earliest",
    "in_bulk",
}


SHORTCUTS = {
    "django.shortcuts.get_object_or_404",
    "django.shortcuts.get_list_or_404",
}


MANAGERS = {"objects", "_default_manager", "_base_manager"}


# What a manager returns that is an instance, or holds some.
INSTANCES = {
    *("all", "filter", "exclude", "order_by", "get", "first", "last", "create"),
    *("latest", "earliest", "aget", "afirst", "alast", "acreate", "select_related"),
}


RUNS = {
    "asyncio.run",
    "asyncio.get_event_loop().run_until_complete",
    "asyncio.get_running_loop().run_until_complete",
    "asyncio.new_event_loop().run_until_complete",
}


SLEEPS = {"time.sleep"}


BLOCKING = (
    "requests.",
    "urllib.request.urlopen",
    "urllib.request.urlretrieve",
    "urllib3.",
    "subprocess.run",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "subprocess.Popen().wait",
    "subprocess.Popen().communicate",
    "os.system",
    "os.popen",
    "os.wait",
    "builtins.input",
    "httpx.get",
    "httpx.post",
    "httpx.put",
    "httpx.delete",
    "httpx.request",
    "httpx.head",
    "httpx.Client().",
    "socket.create_connection",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "http.client.HTTPConnection().",
    "http.client.HTTPSConnection().",
    "smtplib.",
    "ftplib.",
    "django.core.mail.send_mail",
    "redis.Redis().",
    "redis.from_url().",
    "redis.Redis.from_url().",
    "redis.StrictRedis().",
    "psycopg2.connect",
    "psycopg.connect",
    "pymysql.connect",
    "sqlite3.connect",
    "pymongo.MongoClient().",
    "threading.Event().wait",
    "threading.Thread().join",
    "queue.Queue().get",
    "django.core.management.call_command",
    "concurrent.futures.ThreadPoolExecutor().submit().result",
    "paramiko.",
    "boto3.client().",
)


# What blocks only where it is told to wait: by its first argument, or by this one.
WAITING = {"psutil.cpu_percent": "interval", "psutil.cpu_times_percent": "interval"}


RETURNS = {
    "builtins.str": "str",
    "json.dumps": "str",
    "builtins.repr": "str",
    "builtins.int": "int",
    "builtins.len": "int",
    "builtins.sum": "int",
    "random.randint": "int",
    "random.randrange": "int",
    "random.random": "float",
    "random.uniform": "float",
    "time.time": "float",
    "builtins.float": "float",
    "builtins.dict": "dict",
    "builtins.list": "list",
    "secrets.randbelow": "int",
    "json.loads": "",
    "builtins.round": "int",
    "builtins.format": "str",
    "builtins.bytes": "bytes",
    "builtins.hex": "str",
    "builtins.ascii": "str",
    "random.getrandbits": "int",
    "builtins.bool": "bool",
}
