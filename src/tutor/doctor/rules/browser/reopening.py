"""A socket that is opened again: without a pause, or with one timer more each time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tutor.doctor.rules.browser.handling import RANK, block_end, listened
from tutor.doctor.rules.browser.javascript import Code, Func
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.found import Found


def hearing(code: Code, name: str, kind: str) -> Iterator[Func]:
    """The functions that a socket calls for a kind of event."""
    for told, begin in listened(code, name):
        if told != kind:
            continue
        one = code.at(begin)
        if one is not None:
            yield one
            continue
        called = re.match(r"[\w$.]+", code.bare[begin:].lstrip())
        word = (called[0] if called else "").removesuffix(".bind")
        yield from (
            f for f in code.functions if f.name == word.rpartition(".")[2] != ""
        )


def again(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """What is wrong with how a socket is opened again."""
    yield from timers(code, name, every)
    yield from listeners(code, name)
    yield from at_once_again(code, name)
    yield from by_two(code, name)


def by_two(code: Code, name: str) -> Iterator[Found]:
    """``socket.close(); wait();``, where ``onclose`` waits as well: two new ones."""
    heard = [*hearing(code, name, "close")]
    texts = [code.plain(one.body) for one in heard]
    runs = re.compile(
        r"(?:(?<![\w$.])(?:this\.)?|setTimeout\s*\(\s*)([\w$]+)(?=\s*[(,])"
    )
    called = {word for text in texts for word in runs.findall(text)}
    openers = [f for new, _ in code.sockets[name] if (f := code.around(new))]
    again = {
        f.name
        for f in code.functions
        if f.name in called
        and (
            f in openers
            or any(o.name and o.name in code.plain(f.body) for o in openers)
        )
    }
    perhaps = re.compile(r"\breturn\b|&&|\?|\bif\b(?![^;]*;\s*else\b)")
    if not again or any(map(perhaps.search, texts)):
        return
    for match in re.finditer(
        rf"(?<![\w$.]){re.escape(name)}\s*\??\.\s*close\s*\(", code.bare
    ):
        around = code.around(match.start())
        if around is None or around in heard:
            continue
        end = block_end(code, match.start())
        names = "|".join(map(re.escape, sorted(again)))
        rest = re.compile(rf"(?<![\w$.])(?:this\.)?({names})\s*\(").search(
            code.bare, match.end(), end
        )
        before = code.bare[around.body[0] : match.start()]
        if rest and not re.search(r"\bonclose\b|\bremoveEvent|\w\s*=\s*true", before):
            yield Found(
                "client-too-many-sockets",
                f"two new sockets: onclose calls {rest[1]}, and this line does",
                code.spot(rest.start()),
                RANK + 4,
                TRIED,
                "close() alone, or onclose = null before it",
            )
            return


def timers(code: Code, name: str, every: list[Code]) -> Iterator[Found]:
    """A timer that begins at each opening, where the socket is opened again."""
    if any("clearInterval" in one.bare for one in every):
        return
    again = re.search(r"\bsetTimeout\b|\breconnect", code.bare, re.I)
    heard = [*hearing(code, name, "open")] if again else []
    called = {
        word
        for one in heard
        for word in re.findall(r"([\w$]+)\s*\(", code.plain(one.body))
    }
    makers = [f for new, _ in code.sockets[name] if (f := code.around(new))]
    words = {code.owner(one) or one.name for one in makers} - {""}
    users = [code]  # and who gives this one a function to call
    for one in every:
        if one is not code and words & {*re.findall(r"([\w$]+)\s*\(", one.bare)}:
            users.append(one)
    runs = [(code, one) for one in heard]
    runs += [(one, f) for one in users for f in one.functions if f.name in called]
    for one, function in runs:
        begin, end = function.body
        match = re.search(r"\bsetInterval\s*\(", one.bare[begin:end])
        if match:
            yield Found(
                "client-timer-for-each-connection",
                "after each lost connection one timer more",
                one.spot(begin + match.start()),
                RANK + 4,
                TRIED,
                "clearInterval() in onclose",
            )


_ONCE = re.compile(r"\bonce\b|\bsignal\b|\bremoveEventListener\b|\.\s*off\s*\(")


def listeners(code: Code, name: str) -> Iterator[Found]:
    """A listener of the page that is added with each socket, and sends through it."""
    if _ONCE.search(code.spoken):
        return
    for new, _ in code.sockets[name]:
        opener = code.around(new)
        if opener is None or not opener.name or not _is_kept(code, name, opener):
            continue
        again = rf"(?<![\w$]){re.escape(opener.name)}(?![\w$])"
        back = [*hearing(code, name, "close")]
        called = [f for one in back for f in code.functions if f.name and re.search(
            rf"(?<![\w$]){re.escape(f.name)}\s*\(", code.plain(one.body))]  # fmt: skip
        if not any(re.search(again, code.plain(f.body)) for f in (*back, *called)):
            continue
        for match in _LISTENS.finditer(code.bare, *opener.body):
            if match[1] in (name, name.rpartition(".")[2]):
                continue
            spans = code.arguments(match.end() - 1)
            one = code.at(spans[-1][0]) if len(spans) > 1 else None
            text = code.plain(one.body) if one is not None else ""
            if re.search(r"\.\s*send\s*\(", text):
                yield Found(
                    "client-listener-for-each-connection",
                    "after a lost connection each message is sent twice",
                    code.spot(match.start()),
                    RANK + 4,
                    TRIED,
                    "the listener outside the function that opens the socket",
                )
                return


_LISTENS = re.compile(
    r"([\w$.]+)(?:\s*\([^()]*\))?\s*\.\s*(?:addEventListener|on)\s*\("
)


def _is_kept(code: Code, name: str, opener: Func) -> bool:
    """Whether the next socket has the same name: an old listener sends there."""
    own = rf"\b(?:const|let|var)\s+{re.escape(name)}\b"
    return not re.search(own, code.plain(opener.body))


def at_once_again(code: Code, name: str) -> Iterator[Found]:
    """``onclose = () => this.open()``: opened again without a pause."""
    openers = {f.name for _, made in code.sockets[name] if (f := code.around(made))}
    for function in (*hearing(code, name, "close"), *hearing(code, name, "error")):
        found = _opens_at_once(code, function, openers - {"", "constructor"}, 0)
        if found is not None:
            yield Found(
                "client-reconnects-without-pause",
                "a handshake as soon as the last one has failed, without end",
                code.spot(found),
                RANK + 4,
                TRIED,
                "setTimeout(), with a pause that grows",
            )


def _opens_at_once(
    code: Code, function: Func, openers: set[str], depth: int
) -> int | None:
    """Where a function opens a socket in the same breath, itself or by another."""
    begin, end = function.body
    text = code.bare[begin:end]
    if re.search(r"\b(?:setTimeout|await|delay|sleep)\b", text):
        return None
    for match in re.finditer(r"(?<![\w$.])(?:this\.|self\.)?([\w$]+)\s*\(", text):
        if code.around(begin + match.start()) != function:
            continue
        if match[1] in openers:
            return begin + match.start()
        for other in code.functions:
            if other.name == match[1] and other is not function and depth < 2:
                inner = _opens_at_once(code, other, openers, depth + 1)
                if inner is not None:
                    return inner
    return None
