"""What the messages of the libraries mean, whatever the project is like."""

from __future__ import annotations

# The first that fits any line of the exception; the deepest frame of the project
# is the place.
TEXTS: tuple[tuple[str, str], ...] = (
    ("db-wrapper-around-async", r"can only be applied to sync functions"),
    (
        "operate-log-fact-overwrites-the-record",
        r"Attempt to overwrite '\w+' in LogRecord",
    ),
    ("consumer-int-payload", r"'(int|float|bool)' object has no attribute 'encode'"),
    (
        "consumer-dict-payload",
        r"'(dict|list|tuple|set)' object has no attribute 'encode'",
    ),
    (
        "python-function-not-called",
        r"Object of type (function|method|builtin_function_or_method|type|"
        r"(Database)?SyncToAsync|AsyncToSync) is not JSON|"
        r"can not serialize '(function|method)'|"
        r"'(function|method)' object has no attribute 'encode'|"
        r"'(function|method|builtin_function_or_method)' object is not subscriptable",
    ),
    (
        "consumer-missing-await-on-send",
        r"Object of type coroutine is not JSON|can not serialize 'coroutine'|"
        r"'coroutine' object (has no attribute|is not|cannot be)|"
        r"cannot unpack non-iterable coroutine",
    ),
    ("consumer-bytes-under-text", r"'bytes' object has no attribute 'encode'"),
    (
        "consumer-str-under-bytes",
        r"\"payload\" must have type bytes|payload.*must (have|be).*bytes",
    ),
    ("consumer-text-and-bytes-together", r"contains both bytes and text keys"),
    ("consumer-send-before-accept", r"Socket has not been accepted"),
    (
        "consumer-send-after-close",
        r"Attempt to send on a closed protocol|after sending 'websocket.close'",
    ),
    (
        "consumer-json-not-parsed",
        r"string indices must be integers|'str' object has no attribute "
        r"'(get|items|keys|values|pop)'",
    ),
    (
        "consumer-json-parsed-twice",
        r"JSON object must be str, bytes or bytearray, not (dict|list)",
    ),
    ("consumer-accepts-twice", r"has no attribute 'handshake_deferred'"),
    (
        "consumer-asyncio-run-in-async",
        r"cannot be called from a running event loop|"
        r"event loop is already running",
    ),
    (
        "consumer-generic-method-in-raw-consumer",
        r"object has no attribute '(accept|close|send_json|groups)'|"
        r"'super' object has no attribute 'websocket_\w+'|"
        r"send\(\) got an unexpected keyword argument '(text_data|bytes_data)'",
    ),
    (
        "consumer-message-is-no-dict",
        r"(string|list|tuple|byte) indices must be integers|"
        r"\bA?[Ss]yncConsumer\.send\(\) (got|takes|missing)",
    ),
    (
        "python-arguments-differ",
        r"ebsocketConsumer\.(send|send_json|accept|close)\(\) (got|takes)",
    ),
    (
        "consumer-init-takes-scope",
        r"__init__\(\) missing \d+ required positional arguments?: 'scope'",
    ),
    (
        "consumer-generic-disconnect-without-code",
        r"\bdisconnect\(\) takes (1|0) positional arguments? but (2|1) w",
    ),
    (
        "consumer-generic-connect-with-event",
        r"\bconnect\(\) missing 1 required positional argument",
    ),
    (
        "consumer-generic-receive-parameter-renamed",
        r"receive\(\) got an unexpected keyword argument 'text_data'|"
        r"\breceive_json\(\) (takes|missing)",
    ),
    (
        "consumer-handler-without-event",
        r"websocket_\w+\(\) takes (1|0) positional arguments? but (2|1) w",
    ),
    (
        "consumer-accept-not-called",
        r"object (method|builtin_function_or_method) can't be used in",
    ),
    (
        "group-members-cannot-be-counted",
        r"ChannelLayer' object has no attribute "
        r"'(group_(channels|members|size|count|list)|get_group\w*)'",
    ),
    ("group-wrong-channel-joined", r"^Channel name must be a valid"),
    ("group-message-without-type", r"Incoming message has no 'type' attribute"),
    (
        "group-async-to-sync-in-async-consumer",
        r"cannot use AsyncToSync in the same thread",
    ),
    ("db-orm-in-async-consumer", r"You cannot call this from an async context"),
    (
        "consumer-validation-error-not-caught",
        r"^\d+ validation errors? for |"
        r"(?<= )\d+ validation errors? for ",
    ),
    (
        "auth-user-in-message",
        r"Object of type (Anonymous)?User is not JSON|"
        r"can not serialize 'UserLazyObject'",
    ),
    ("auth-user-awaited", r"object UserLazyObject can't be used in 'await'"),
    ("auth-is-authenticated-called", r"'bool' object is not callable"),
    (
        "redis-message-not-serialisable",
        r"can not serialize '(datetime\.|decimal\.|uuid\.|set'|frozenset')",
    ),
    (
        "db-field-unknown",
        r"\w\(\) got unexpected keyword arguments: |"
        r"Cannot resolve keyword '\w+' into field|Invalid field name\(s\) for model",
    ),
    (
        "db-query-without-manager",
        r"type object '\w+' has no attribute "
        r"'a?(filter|get|create|all|exclude|count|exists|first|last|get_or_create)'",
    ),
    ("redis-non-string-dict-keys", r"not allowed for map key"),
    ("db-model-instance-in-event", r"is not JSON serializable|can not serialize"),
    (
        "auth-middleware-channels-2-signature",
        r"__call__\(\) takes 2 positional arguments but 4 were given",
    ),
    (
        "auth-query-string-is-bytes",
        r"a bytes-like object is required, not 'str'|must be bytes or a tuple of bytes|"
        r"integer or bytes-like object|can't concat str to bytes|"
        r"string pattern on a bytes-like object",
    ),
    (
        "auth-middleware-order",
        r"AuthMiddleware cannot find session in scope|No cookies in scope",
    ),
    ("auth-login-required-on-consumer", r"has no attribute 'auser'"),
    (
        "auth-request-or-self-user",
        r"object has no attribute '(user|request|session|GET|COOKIES)'",
    ),
    (
        "redis-password-missing",
        r"HELLO must be called|NOAUTH|Authentication required|WRONGPASS|"
        r"invalid username-password",
    ),
    ("redis-server-too-old", r"unknown command\W+BZPOPMIN"),
    (
        "redis-server-not-running",
        r"Error (111|61|-?\d+) (connecting to|while).*|ConnectionError",
    ),
    (
        "consumer-close-code-not-allowed",
        r"invalid close code|for close code|code must be|sendClose|Invalid code",
    ),
    ("python-dict-key-as-attribute", r"'dict' object has no attribute '\w+'"),
)
