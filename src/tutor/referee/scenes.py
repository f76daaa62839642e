"""The calm scenes: who gets in, who hears, who gets what was missed."""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Mapping
from typing import Any

from tutor import forms
from tutor.referee.clients import knock
from tutor.referee.playing import SOON, Failed, Match
from tutor.servers import HOST, Server

FOREIGN = "http://evil.example"
SWEEP = 10.0  # seconds for what is found by looking every few seconds


async def origin(match: Match) -> None:
    """A page from elsewhere asks for a socket."""
    server, ada, path = match.ground.first, match.ground.ada, match.declared.socket
    other = f"http://{HOST}:{server.port % 60000 + 1}"
    for what, origin in (("another host", FOREIGN), ("another port", other)):
        if await knock(server, path, ada, origin) == "101":
            raise Failed(
                f"a page of {what} reads as ada: 101",
                "nothing looks at the Origin, or not at its port: OriginValidator "
                "with scheme, host and port of each page",
            )


async def processes(match: Match) -> None:
    """News crosses from one process to the other, both ways."""
    first, second = match.ground.first, match.ground.second
    async with match.people() as enter:
        here = await enter(match.ground.ada, first)
        there = await enter(match.ground.bob, second)
        await asyncio.sleep(0)
        for at, near, far in ((first, here, there), (second, there, here)):
            known = set(match.heard)
            await match.tell(at, near)
            value = list(near.news.values())[-1]
            if await far.hears(value, known, SOON) is None:
                raise Failed(
                    "a client of the other process has heard nothing",
                    "a channel layer in memory: each process has its own",
                )


async def resume(match: Match) -> None:
    """A client leaves and comes back; others join while news comes."""
    at = match.ground.first
    async with match.people() as enter:
        witness = await enter(match.ground.bob, at)
        leaver = await enter(match.ground.ada, at)
        before = await match.tell(at, witness, times=3)
        if await match.all_hear([leaver], before, SOON) < 1:
            raise Failed("live news does not reach every client")
        await leaver.leave()
        known = leaver.last
        missed = await match.tell(at, witness, times=7)
        back = await enter(match.ground.ada, at, known)
        await match.all_hear([back], missed, SOON)
        came = sum(one in back.news for one in missed)
        if came < len(missed):
            raise Failed(
                f"of {len(missed)} that were missed, {came} came",
                "what resume asks for: every stored id above the one it names",
            )
        joiners = [back]
        during: list[Any] = []
        for _ in range(6):
            during += await match.tell(at, witness)
            joining = asyncio.create_task(enter(match.ground.ada, at, known))
            during += await match.tell(at, witness)
            joiners.append(await joining)
        during += await match.tell(at, witness)
        whole = await match.all_hear(joiners, during, SOON)
        if whole < len(joiners):
            raise Failed(
                f"{len(joiners) - whole} of {len(joiners)} who joined while news "
                "came miss some of it",
                "a gap between the replay and the live stream: join the group "
                "before the query",
            )
        for one in (witness, *joiners):
            if one.torn:
                raise Failed(
                    f"the id {one.torn[0]!r} came with two values",
                    "an id has to name one reading for ever",
                )


async def logout(match: Match) -> None:
    """One of two sessions ends."""
    ground, at = match.ground, match.ground.first
    # Where news does not cross, neither does a logout: that point is lost already.
    door = at if "two processes" in match.lost else ground.second
    async with match.people() as enter:
        mine = [await enter(ground.ada, at) for _ in range(2)]
        others = [await enter(ground.elsewhere, at), await enter(ground.bob, at)]
        gone, ground.jars[0] = ground.ada, ground.elsewhere
        match.publish.forget()
        await asyncio.to_thread(_log_out, match, door, gone)
        began = time.monotonic()
        for one in mine:
            left = max(0.0, began + SWEEP - time.monotonic())
            if not await one.until(one.gone, left):
                raise Failed(
                    f"a socket of that session is open after {SWEEP:g} s",
                    "nobody tells the sockets that their session has ended",
                )
        answer = await knock(at, match.declared.socket, gone, at.url)
        if answer == "101":
            raise Failed("the session that has ended opens a new socket")
        if not all(one.open for one in others):
            raise Failed(
                "a socket of another session was closed, too",
                "a logout ends one session, not all of a user's",
            )
        ids = await match.tell(at, others[0])
        if await match.all_hear(others, ids, SOON) < len(others):
            raise Failed("those who stay hear nothing more")


def _log_out(match: Match, at: Server, jar: Mapping[str, str]) -> None:
    """Send the form for logging out."""
    path = match.declared.logout
    try:
        keys = forms.keys(at, match.declared.page, jar)
        reply = forms.send(at, path, {}, keys)
    except (OSError, http.client.HTTPException) as error:
        got = f"no answer ({type(error).__name__})"
        raise Failed(f"the form sent to {path}: {got}") from None
    if reply.status >= 400:
        raise Failed(
            f"the form sent to {path}: {reply.status} {reply.reason}",
            "the page needs a form for logging out, with Django's token in it",
        )
