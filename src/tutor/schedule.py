"""``make schedule``: a timetable for a class, from the minutes of the steps.

Each step needs the ones before it, so what is picked is a run of steps without a
gap; a class that goes on another day begins with ``--from``.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from tutor import places
from tutor.arguments import Arguments
from tutor.course import Course, Step
from tutor.report import Refusal

OPENING = 10  # minutes: everybody has JupyterLab open
CLOSING = 5
BREAK = 10
STRETCH = 55  # the most minutes from one break to the next
MINUTES = 180


@dataclass(frozen=True)
class Slot:
    """A line of the timetable.

    Args:
        start: minutes since the class began.
        minutes: how long it takes.
        what: what is done.
        step: the step that is done, if it is one.
    """

    start: int
    minutes: int
    what: str
    step: Step | None = None


def plan(steps: Sequence[Step], minutes: int) -> list[Slot]:
    """The longest run of steps from the first one that fits, with its breaks.

    Args:
        steps: in the order of the course.
        minutes: all there is, opening and closing included.

    Returns:
        the slots without a gap, or none where not even one step fits.
    """
    first = steps[0].number
    before = f"make goto-{first - 1}, then " if first > 1 else ""
    slots = [Slot(0, OPENING, f"opening: everybody runs {before}make lab")]
    now = since_break = OPENING
    for step in steps:
        rest = BREAK if since_break + step.minutes > STRETCH else 0
        if now + rest + step.minutes + CLOSING > minutes:
            break
        if rest:
            slots.append(Slot(now, BREAK, "break"))
            now, since_break = now + BREAK, 0
        what = f"step {step.number:<2} {step.title}"
        slots.append(Slot(now, step.minutes, what, step))
        now, since_break = now + step.minutes, since_break + step.minutes
    if len(slots) == 1:
        return []
    return [*slots, Slot(now, CLOSING, "closing: what to take away, where to go on")]


def main(argv: list[str]) -> int:
    """The verb: print the timetable, and the notes of its steps if asked for.

    Raises:
        Refusal: not even one step fits, or there is no such step.
    """
    parser = Arguments(prog="make schedule", description="A timetable for a class.")
    parser.add_argument("--minutes", type=_minutes, default=MINUTES)
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="STEP")
    parser.add_argument("--start", type=_clock, default=0, metavar="9:30")
    parser.add_argument("--notes", action="store_true", help="what to say and show")
    options = parser.parse_args(argv)
    course = Course.load(places.root())
    first = course.step(options.first)
    steps = [step for step in course.steps if step.number >= first.number]
    slots = plan(steps, options.minutes)
    if not slots:
        least = OPENING + first.minutes + CLOSING
        raise Refusal(
            f"Step {first.number} takes {first.minutes} minutes, with opening and "
            f"closing {least}; {options.minutes} are too few.\n"
            f"Try: {_command(least, first.number)}"
        )
    for slot in slots:
        hour, minute = divmod(options.start + slot.start, 60)
        print(f"{hour % 24:2}:{minute:02}  {slot.minutes:3} min  {slot.what}")
    picked = [slot.step for slot in slots if slot.step]
    print(_rest(slots, steps[len(picked) :], options.minutes))
    if options.notes:
        print(*map(_notes, picked), sep="\n")
    else:
        again = _command(options.minutes, first.number, "--notes")
        print(f"What to say and show at each: {again}")
    return 0


def _rest(slots: Sequence[Slot], left: Sequence[Step], minutes: int) -> str:
    """What is left: minutes of the class, steps of the course."""
    spare = minutes - slots[-1].start - slots[-1].minutes
    are = "minute is" if spare == 1 else "minutes are"
    said = f"{spare} {are} spare for questions."
    if not left:
        return f"{said} That is the whole course, to its end."
    number, need = left[0].number, sum(step.minutes for step in left)
    return (
        f"{said} Left for another day: {len(left)} "
        f"{'step' if len(left) == 1 else 'steps'}, {need} minutes.\n"
        f"Their timetable: {_command(minutes, number)}"
    )


def _command(minutes: int, first: int, *more: str) -> str:
    """What to type for a class of so many minutes from this step on."""
    words = [*([f"--from {first}"] if first > 1 else []), *more]
    arguments = f' ARGS="{" ".join(words)}"' if words else ""
    return f"make schedule MINUTES={minutes}{arguments}"


def _notes(step: Step) -> str:
    lines = [f"\nStep {step.number}. {step.title} ({step.minutes} min, {step.claim})"]
    for word, note in (("say", step.speaker), ("show", step.demo)):
        lines += textwrap.wrap(
            note, 80, initial_indent=f"  {word:<6}", subsequent_indent=" " * 8
        )
    return "\n".join(lines)


def _minutes(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of minutes")
    return int(text)


def _clock(text: str) -> int:
    """``9:30`` as minutes since midnight."""
    hour, _, minute = text.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and len(minute) == 2):
        raise argparse.ArgumentTypeError(f"{text} is no time such as 9:30")
    if int(hour) > 23 or int(minute) > 59:
        raise argparse.ArgumentTypeError(f"{text} is no time of day")
    return int(hour) * 60 + int(minute)
