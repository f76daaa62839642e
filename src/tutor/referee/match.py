"""A match: the ground is made, its declaration tried, the scenes played in a row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tutor.checks import talk
from tutor.referee import accidents, declaration, scenes, shot
from tutor.referee.clients import Turned, Watcher, knock
from tutor.referee.declaration import Undeclared
from tutor.referee.ground import Ground, ground, last_words
from tutor.referee.playing import SOON, Failed, LeftOut, Match
from tutor.referee.points import POINTS, Score
from tutor.referee.publisher import Publisher, Unpublished
from tutor.report import Problem

WATCHERS = 1000
WHOLE = 400.0  # seconds for all scenes; what is left over then is lost
SCENE = 200.0  # seconds for one
LEAST = 1.0  # seconds for one when those for all are over

Tell = Callable[[str], None]
Scene = Callable[[Match], Awaitable[None]]

# In the order in which they are played: what harms the board comes last.
SCENES: dict[str, Scene] = {
    "foreign origin": scenes.origin,
    "two processes": scenes.processes,
    "resume by id": scenes.resume,
    "logout": scenes.logout,
    "slow client": accidents.slow,
    "watchers": accidents.crowd,
    "hard kill": accidents.kill,
    "Redis restart": accidents.restart,
}


def played(
    project: Path,
    watchers: int = WATCHERS,
    *,
    picture: bool = False,
    tell: Tell = lambda line: None,
) -> Score:
    """Play a whole match.

    Args:
        project: the folder of ``manage.py``; nothing in it is changed.
        watchers: how large the crowd is.
        picture: whether to take a picture of the page.
        tell: is given a line after each point.

    Raises:
        Undeclared: there is no declaration, or it does not fit the board.
        Refusal: this machine does not let it run.
    """
    declared = declaration.load(project)
    with ground(project, declared, watchers) as found:
        return talk.run(_play(found, watchers, picture, tell))


async def _play(found: Ground, watchers: int, picture: bool, tell: Tell) -> Score:
    declared = found.declared
    async with Publisher(found) as publish:
        match = Match(found, publish, watchers)
        await _tried(match)
        problems: dict[str, Problem | None] = {}
        left_out: dict[str, str] = {}
        png, blind = b"", ""
        loop = asyncio.get_running_loop()
        end = loop.time() + WHOLE
        for name, scene in SCENES.items():
            if name == "hard kill" and picture:
                png, blind = await shot.taken(found, publish)
            point = POINTS[name]
            failed: Failed | None = None
            problem: Problem | None = None
            patience = max(LEAST, min(SCENE, end - loop.time()))
            try:
                async with asyncio.timeout(patience):
                    await scene(match)
            except Failed as error:
                failed = error
            except LeftOut as why:
                left_out[name] = str(why)
            except TimeoutError:
                failed = Failed(
                    f"no end within {patience:.3g} s",
                    "a board that answers slowly, or a machine with much else to do",
                )
            if failed:
                match.lost.add(name)
                problem = Problem(
                    point.tried,
                    point.title,
                    failed.got,
                    failed.cause,
                    step=point.step,
                    reread=f"step {point.step}",
                )
            problems[name] = problem
            word = "left out" if name in left_out else "lost" if failed else "passed"
            tell(f"{name:<16}{word}")
    return Score(
        declared.title or found.project.name,
        {name: problems[name] for name in POINTS},
        left_out,
        watchers,
        sorted(match.latencies),  # of a scene that was cut short, too
        declared.p99,
        png,
        blind,
    )


async def _tried(match: Match) -> None:
    """Try the declaration: one client gets in, and hears what is published.

    Raises:
        Undeclared: one of the two does not work; what came instead is in it.
    """
    found, publish, declared = match.ground, match.publish, match.declared
    at, path = found.first, found.declared.socket
    answer = await knock(at, path, found.ada, at.url)
    if answer != "101":
        raise Undeclared(
            f"The socket {path} answers ada's own page with {answer}, not 101. Is\n"
            f"`socket` in {declaration.FILE} right, and `environment`?"
        )
    ear = Watcher(declared, found.ada, heard=match.heard)
    try:
        await ear.enter(at)
        known = set(ear.news)
        value = await publish(at)
        if await ear.hears(value, known, SOON) is None:
            came = (
                f"What came is {ear.other!r}"
                if ear.other is not None
                else f"The socket was closed with {ear.code}"
                if not ear.open
                else "Nothing came"
            )
            raise Undeclared(
                f"{publish.shown} with {value!r}: a client has heard no such news.\n"
                f"{came}. Are `publish`, `news` and `resume` in {declaration.FILE} "
                "right?"
            )
    except Turned as turned:
        raise Undeclared(f"The socket {path} answers {turned}.") from None
    except Unpublished as error:
        raise Undeclared(
            f"{publish.shown} does not work: {error}.\n"
            f"Is `publish` in {declaration.FILE} right?"
        ) from None
    finally:
        await ear.leave()
    for one in found.beside:
        if one.child.ended:
            said = last_words(one.log())
            raise Undeclared(f"beside: {one.shown} does not stay: {said}")
