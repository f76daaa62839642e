"""The violent scenes: a sleeper, a crowd, a killed process, a lost Redis."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from tutor.referee.clients import Turned, Watcher
from tutor.referee.ground import EACH
from tutor.referee.playing import SOON, Failed, LeftOut, Match
from tutor.referee.points import share
from tutor.referee.publisher import Unpublished

BACK = 20.0  # seconds for a board to find its Redis again
NEWS = 10  # that a crowd is told
TRIES = (0.5, 1.0)  # seconds that one who is turned away waits, as clients do
COMING = 8  # at the same time: Daphne refuses whom it leaves waiting for 5 s
BURST = 40  # news more than a board may keep for a slow client


async def slow(match: Match) -> None:
    """A client reads nothing, beside four that do."""
    ground, at = match.ground, match.ground.first
    count = match.declared.behind + BURST
    async with match.people() as enter:
        good = [await enter(ground.bob, at) for _ in range(4)]
        ids = await match.tell(at, good[0])
        sleeper = await enter(ground.bob, at, good[0].last, slow=True)
        before = set(good[0].news)
        for _ in range(count):
            await match.published(at)
        fresh = len(before) + count
        await good[0].until(lambda: len(good[0].news) >= fresh, SOON)
        ids = [key for key in good[0].news if key not in before]
        if len(ids) < count:
            raise Failed(
                f"of {count} news, a good client beside it heard {len(ids)}",
                "one slow client holds up those beside it",
            )
        if await match.all_hear(good, ids, SOON) < len(good):
            raise Failed("good clients beside it have not heard all")
        sleeper.listen()
        quiet = -1
        while sleeper.open and quiet != len(sleeper.news):
            quiet = len(sleeper.news)
            await sleeper.until(sleeper.gone, 1.0)
        kept = sum(key in sleeper.news for key in ids)
        if sleeper.open and kept > match.declared.behind:
            raise Failed(
                f"all {kept} news of a burst were kept for it, and it is still "
                f"there; {match.declared.behind} are allowed",
                "a send never waits for the socket: let clients acknowledge, and "
                "close who is far behind",
            )


async def crowd(match: Match) -> None:
    """A crowd comes in, and hears some news."""
    ground, at = match.ground, match.ground.second
    async with match.people() as enter:
        witness = await enter(ground.bob, at)
        await match.tell(at, witness)
        room = asyncio.Semaphore(COMING)

        async def come(number: int) -> Watcher:
            jar = ground.crowd[number // EACH]
            async with room:
                for wait in TRIES:
                    with suppress(Failed):
                        return await enter(jar, at, witness.last)
                    await asyncio.sleep(wait)
                return await enter(jar, at, witness.last)

        comers = [asyncio.create_task(come(n)) for n in range(match.watchers)]
        try:
            crowd = list(await asyncio.gather(*comers))
        except Failed as failed:
            for task in comers:
                task.cancel()
            raise Failed(
                f"not all of {match.watchers} get in: {failed.got}",
                "a limit on all sockets, or a server that lets them in too slowly",
            ) from None
        limit = match.declared.p99
        for _ in range(NEWS):
            known, began = set(match.heard), time.monotonic()
            value = await match.published(at)
            key = await witness.hears(value, known, SOON + limit)
            heard = key and await match.all_hear(crowd, [key], SOON + limit)
            if key is None or heard < len(crowd):
                raise Failed(
                    f"{heard or 0} of {len(crowd)} hear one of the news within "
                    f"{SOON + limit:g} s",
                    "one group_send for each client, or a handler that blocks",
                )
            match.latencies += [one.times[key] - began for one in crowd]
        match.latencies.sort()
        if (slowest := share(match.latencies, 0.99)) > limit:
            raise Failed(
                f"99 % within {slowest:.1f} s; {limit:g} s are allowed",
                "fan-out that encodes and queues for each client anew",
            )


async def kill(match: Match) -> None:
    """A process is killed while news comes."""
    ground = match.ground
    resumes = "resume by id" not in match.lost
    async with match.people() as enter:
        staying = [await enter(ground.bob, ground.second) for _ in range(6)]
        moving = [await enter(ground.bob, ground.first) for _ in range(6)]
        witness = staying[0]
        await match.tell(ground.second, witness, times=3)
        going = asyncio.create_task(_keep_publishing(match, witness))
        try:
            await _news_come(witness, 5)
            await asyncio.to_thread(ground.first.pause, 0)
            for one in moving:
                if not await one.until(one.gone, SOON):
                    raise Failed("a client has not noticed that its server died")
                try:
                    await one.enter(ground.second)
                except Turned as turned:
                    raise Failed(
                        f"a client of the killed process is turned away: {turned}",
                        "something still counts its old socket: what a process "
                        "notes of its sockets has to expire when it is killed",
                    ) from None
            await _news_come(witness, 5)
        finally:
            going.cancel()
            with suppress(asyncio.CancelledError):
                await going
        after = await match.tell(ground.second, witness, times=2)
        everyone = [*staying, *moving]
        ids = list(witness.news) if resumes else after
        if await match.all_hear(everyone, ids, SOON) < len(everyone):
            some = [one for one in everyone if not one.news.keys() >= set(ids)]
            missing = len(set(ids) - some[0].news.keys())
            closed = sum(not one.open for one in some)
            more = f"; {closed} are closed again" if closed else ""
            raise Failed(
                f"{len(some)} of {len(everyone)} clients miss {missing} news or "
                f"more{more}",
                "told before it was stored, or kept in the memory of a process",
            )


async def _keep_publishing(match: Match, witness: Watcher) -> None:
    """Publish again and again."""
    while True:
        with suppress(Failed):
            await match.published(match.ground.second)
        await asyncio.sleep(0.02)  # a trickle: something is always under way


async def _news_come(witness: Watcher, count: int) -> None:
    """Wait until some more has come.

    Raises:
        Failed: it has not.
    """
    wanted = len(witness.news) + count
    if not await witness.until(lambda: len(witness.news) >= wanted, SOON * 2):
        raise Failed(
            "no more news comes at the process that is left",
            "something that only the killed process did",
        )


async def restart(match: Match) -> None:
    """Redis goes, and comes back empty."""
    ground, at = match.ground, match.ground.second
    if not ground.redis.ours:
        raise LeftOut("REDIS_URL names the only Redis here, not ours to kill")
    async with match.people() as enter:
        ears = [await enter(ground.bob, at) for _ in range(4)]
        await match.tell(at, ears[0])
        await asyncio.to_thread(ground.redis.kill)
        with suppress(Unpublished):
            await match.publish(at)
        await asyncio.to_thread(ground.redis.again)
        end = time.monotonic() + BACK
        deaf = list(ears)
        while deaf and time.monotonic() < end:
            for one in deaf:
                if not one.open:
                    with suppress(Turned):
                        await one.enter(at)
            known = [set(one.news) for one in deaf]
            with suppress(Unpublished):
                value = await match.publish(at)
                heard = [
                    one.hears(value, old, 1.0)
                    for one, old in zip(deaf, known, strict=True)
                ]
                ids = await asyncio.gather(*heard)
                deaf = [one for one, key in zip(deaf, ids, strict=True) if key is None]
            if not at.running:
                raise Failed("the server has ended", "an error of Redis got out")
        if deaf:
            open_ = sum(one.open for one in deaf)
            raise Failed(
                f"{len(deaf)} of {len(ears)} clients are deaf {BACK:g} s after it "
                f"is back; {open_} of their sockets are still open",
                "what was written into Redis once is gone, as are the groups of "
                "the list layer; the pub/sub layer joins again",
            )
