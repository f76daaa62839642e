"""Names that a script asks for, and that nobody made: "… is not defined"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from tutor.doctor.evidence import Evidence
from tutor.doctor.rules.browser.belonging import BIG, SLUG
from tutor.doctor.rules.browser.grammar import Grammar, grammars, said
from tutor.doctor.rules.browser.handling import RANK
from tutor.doctor.rules.browser.libraries import OPEN, SOURCE
from tutor.doctor.rules.browser.pages import TRIED
from tutor.doctor.rules.browser.scoping import how, scopes
from tutor.doctor.rules.browser.scripts import Script, texts
from tutor.doctor.rules.found import Found
from tutor.doctor.slipped import is_slip

SLIP, NEVER_SET = "client-name-misspelled", "client-property-never-set"
# What every browser has under a name that begins small; workers and old ones, too.
_WORDS = """
    addEventListener alert arguments atob blur btoa caches cancelAnimationFrame
    cancelIdleCallback captureEvents clearInterval clearTimeout clientInformation
    clients close closed confirm console constructor createImageBitmap crypto
    currentFrame currentTime customElements decodeURI decodeURIComponent define
    devicePixelRatio dispatchEvent document encodeURI encodeURIComponent escape eval
    event exports external fetch find focus frameElement frames getComputedStyle
    getSelection globalThis hasOwnProperty history importScripts indexedDB innerHeight
    innerWidth isFinite isNaN isPrototypeOf isSecureContext launchQueue length
    localStorage location locationbar matchMedia menubar module moveBy moveTo name
    navigation navigator offscreenBuffering open opener origin originAgentCluster
    outerHeight outerWidth pageXOffset pageYOffset parent parseFloat parseInt
    performance personalbar postMessage print process prompt propertyIsEnumerable
    queueMicrotask registerProcessor registration releaseEvents removeEventListener
    reportError requestAnimationFrame requestIdleCallback require resizeBy resizeTo
    sampleRate scheduler screen screenLeft screenTop screenX screenY scroll scrollBy
    scrollTo scrollX scrollY scrollbars self sessionStorage setInterval setTimeout
    skipWaiting speechSynthesis status statusbar stop structuredClone styleMedia
    toLocaleString toString toolbar top trustedTypes undefined unescape valueOf
    viewport visualViewport when window
"""
_GLOBAL = set(_WORDS.split())
_CLASSES = """
    Array ArrayBuffer Audio Blob Boolean BroadcastChannel Comment CustomEvent
    DOMParser DataView Date Document Element Error Event EventSource EventTarget
    File FileReader FormData Function Headers HTMLElement Image Infinity Intl JSON
    Map Math MessageChannel MessageEvent MutationObserver NaN Node Notification
    Number Object Option Path2D Promise Proxy Range ReadableStream Reflect RegExp
    Request Response Set Storage String Symbol Text TextDecoder TextEncoder
    TypeError URL URLSearchParams Uint8Array WeakMap WeakRef WeakSet WebSocket
    Worker XMLHttpRequest
"""
_KNOWN = _GLOBAL | set(_CLASSES.split())
SHORT = 4  # letters; of shorter names each is like another

_DECLARES, _EVENTS = {"const", "let", "var"}, {"e", "ev", "evt"}
_OTHER_THIS = {"function_expression", "function_declaration", "object"}
_NEVER = re.compile(r"on[a-z]+$|webkit|xx+$")  # the last is Django's to fill in
_OWN = re.compile(r"[a-z]|[A-Z][A-Z_\d]{3,}$")  # of others, who knows?


def rules(seen: Evidence) -> Iterator[Found]:
    every = texts(seen)
    own = [one for one in grammars(seen) if len(one.code.bare) < BIG]
    loaded = [one for one in own if _is_loaded(one.code.script, every)]
    if all(one.mistake is None for one in loaded):
        # Else what cannot be read may have made it.
        yield from _not_there(loaded, own, every)
    yield from _of_this(own, loaded)


def outside(seen: Evidence) -> Iterator[Found]:
    """``const socket`` in one function, and ``socket.send(…)`` in another."""
    held = scopes(seen).values()
    there = (
        _KNOWN | _of_window(texts(seen)) | {n for one in held for n in one.everywhere}
    )
    for one in held:
        script = one.script
        if len(script.code.bare) >= BIG:
            continue
        for node in script.asked:
            name = said(node)
            made = {how(other) for other in script.made.get(name, ())} & _DECLARES
            if (made or name in _EVENTS) and name not in there and not one.meant(node):
                yield _found(script, node, f"a {name} that holds there, too")
                break


def _is_loaded(one: Script, every: Sequence[Script]) -> bool:
    """Whether a page of the project names a script, or a script that is one of it."""
    folder, _, last = one.file.rpartition("/")
    word = rf"""[/"']{re.escape(last)}["'?]"""
    return not one.is_static or (
        "/admin/" not in f"/{folder}/"
        and any(re.search(word, other.text) for other in every)
    )


def _not_there(
    loaded: list[Grammar], own: list[Grammar], every: Sequence[Script]
) -> Iterator[Found]:
    """The first name of which nobody can say where it comes from."""
    there = _KNOWN | _of_window(every)
    made = {name for one in own for name in one.bound}
    is_whole = _is_whole(loaded, every)
    for one in loaded:
        for node in one.asked:
            name = said(node)
            if name in there or name in one.bound or _NEVER.match(name):
                continue
            if _is_asked_after(node):
                continue
            if name in made:
                if _is_of_another_module(name, one, own):
                    yield _found(one, node, f"import {{ {name} }} from its module")
                    return
                continue
            meant = _meant(name, one, made)
            if meant or (is_whole and _OWN.match(name)):
                yield _found(one, node, f"{name} declared, or imported", meant)
                return


def _found(one: Grammar, node: Node, expected: str, meant: str = "") -> Found:
    slug = SLIP if meant else SLUG
    got = f"ReferenceError: {said(node)} is not defined"
    return Found(slug, got, one.spot(node), RANK - 1, TRIED, meant or expected)


def _meant(name: str, one: Grammar, made: set[str]) -> str:
    """The name that this one is a slip of, if there is one, or is in other letters."""
    known = sorted(one.bound | _KNOWN | {"this"})
    slips = [one for one in known if len(one) >= SHORT and _is_slip(name, one)]
    return next(iter([*slips, *(k for k in sorted(made) if _is_like(name, k))]), "")


def _is_like(name: str, known: str) -> bool:
    """``game_code`` for ``gameCode``; a class is still none of the variables."""
    told = [one[:1] + one[1:].replace("_", "").lower() for one in (name, known)]
    return len(name) >= SHORT and told[0] == told[1]


def _is_slip(name: str, known: str) -> bool:
    """Whether a name is another with one slip; a class is not meant for a variable."""
    return name[0].isupper() is known[0].isupper() and is_slip(name, known)


def _of_window(every: Sequence[Script]) -> set[str]:
    """What else is a name everywhere: of window, and of the elements of a page."""
    found: set[str] = set()
    for one in every:
        found |= {*re.findall(r"\b(?:window|globalThis|self)\.([\w$]+)", one.text)}
        found |= {*re.findall(r"""\b(?:id|name)\s*=\s*["']?([\w$]+)""", one.text)}
        found |= {*re.findall(r"\btypeof\s+([\w$]+)", one.text)}
        found |= {*re.findall(r"""\[\s*["']([\w$]+)["']\s*\]\s*=""", one.text)}
    return found


def _is_whole(own: list[Grammar], every: Sequence[Script]) -> bool:
    """Whether every script that the pages load is known."""
    known = {one.code.script.file.rpartition("/")[2] for one in own}
    for one in every:
        if one.is_static:
            continue
        if OPEN.search(one.text) or ".media" in one.text:
            return False
        for match in SOURCE.finditer(one.text):
            path = re.split(r"[\"']\s*%}|[?#]", match["path"])[0]
            if re.split(r"[/\"']", path)[-1] not in known:
                return False
    return True


def _is_of_another_module(name: str, one: Grammar, own: list[Grammar]) -> bool:
    """Whether only other modules have a name, and it is theirs alone."""
    holders = [other for other in own if name in other.bound]
    return (
        one.is_module
        and one not in holders
        and all(other.is_module and other.code.script.is_static for other in holders)
        and not any("assign(window" in other.code.script.text for other in own)
    )


def _is_asked_after(node: Node) -> bool:
    """``typeof name``: whether there is such a name."""
    above = node.parent
    return above is not None and said(above).startswith("typeof")


def _properties(one: Grammar) -> tuple[set[str], dict[str, list[Node]]]:
    """The names under which something is kept; and what a class asks itself for."""
    made: set[str] = set()
    asked: dict[str, list[Node]] = {}
    for node in one.nodes:
        if node.type not in ("property_identifier", "private_property_identifier"):
            continue
        above = node.parent
        if above is None or above.type != "member_expression" or _is_set(above):
            made.add(said(node))
        elif _is_of_this(above) and _is_of_a_class(above):
            asked.setdefault(said(node), []).append(node)
    return made, asked


def _of_this(own: list[Grammar], loaded: list[Grammar]) -> Iterator[Found]:
    """``this.scoket.close()``, where no object has anything under this name."""
    told = [(one, *_properties(one)) for one in own]
    every = {name for _, made, _ in told for name in made}
    for one, made, asked in told:
        if one not in loaded:
            continue
        for name in asked:
            meant = sorted(known for known in {*asked} & made if is_slip(name, known))
            is_one = len(asked[name]) == 1 and len(name) >= SHORT and name not in made
            if meant and is_one:
                yield _undefined(one, asked[name][0], f"this.{meant[0]}", SLIP)
                return
        text = one.code.bare
        for name in sorted({*asked} - every):
            opened = [node for node in asked[name] if _is_opened(node)]
            if opened and "assign(this" not in text and "this[" not in text:
                yield _undefined(one, opened[0], f"this.{name} = …", NEVER_SET)
                return


def _undefined(one: Grammar, node: Node, expected: str, slug: str) -> Found:
    got = f"this.{said(node)} is undefined"
    return Found(slug, got, one.spot(node), RANK, TRIED, expected)


def _is_opened(node: Node) -> bool:
    """``this.url.protocol``: something is asked of what is kept there."""
    member = node.parent
    above = member.parent if member is not None else None
    return (
        above is not None
        and above.type in ("member_expression", "subscript_expression")
        and above.child_by_field_name("object") == member
        and "?." not in said(above)
    )


def _is_of_this(member: Node) -> bool:
    whose = member.child_by_field_name("object")
    return whose is not None and whose.type == "this"


def _is_of_a_class(node: Node) -> bool:
    """Whether ``this`` is an object of a class here, and of one that is no heir."""
    above: Node | None = node
    while above is not None and above.type != "class_body":
        if above.type in _OTHER_THIS:
            return False
        above = above.parent
    return above is not None and not any(
        one.type == "class_heritage" for one in (above.parent or above).children
    )


def _is_set(member: Node) -> bool:
    """``this.socket = …``"""
    above = member.parent
    return (
        above is not None
        and above.type in ("assignment_expression", "augmented_assignment_expression")
        and above.child_by_field_name("left") == member
    )
