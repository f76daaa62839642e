"""``python -m tutor VERB``: the same verbs as the Makefile's targets."""

from __future__ import annotations

import difflib
import importlib
import signal
import sys

from tutor.report import Refusal, unwritable

# verb -> module, function.  Modules are imported when their verb is used.
VERBS = {
    "lab": ("tutor.lab", "lab"),
    "workspace": ("tutor.lab", "workspace"),
    "edit": ("tutor.lab", "edit"),
    "check": ("tutor.checks", "main"),
    "matrix": ("tutor.checks", "matrix"),
    "doctor": ("tutor.doctor", "main"),
    "hint": ("tutor.exercises.hints", "hint"),
    "referee": ("tutor.referee", "main"),
    "diff": ("tutor.verbs", "diff"),
    "goto": ("tutor.verbs", "goto"),
    "reset": ("tutor.verbs", "reset"),
    "step": ("tutor.verbs", "step"),
    "serve": ("tutor.verbs", "serve"),
    "schedule": ("tutor.schedule", "main"),
    "html": ("tutor.paper", "html"),
    "handout": ("tutor.paper", "handout"),
    "offline-kit": ("tutor.kit", "main"),
    "stress": ("tutor.stress", "main"),
    "checkpoints": ("tutor.build", "checkpoints"),
    "lint": ("tutor.lint", "main"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one verb; its exit status."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help", "help"):
        print(f"usage: python -m tutor VERB [...]\nverbs: {', '.join(VERBS)}")
        return 0 if words else 2
    if words[0] not in VERBS:
        close = difflib.get_close_matches(words[0], VERBS, 1)
        meant = (
            f"; did you mean {close[0]}?"
            if close
            else f"; there are {', '.join(VERBS)}"
        )
        print(f"There is no verb {words[0]}{meant}", file=sys.stderr)
        return 2
    module, function = VERBS[words[0]]
    # So that a server or a Lab of ours is ended by TERM as it is by Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        status: int = getattr(importlib.import_module(module), function)(words[1:])
        return status
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # `make diff-4 | head`
            sys.stderr.close()
            return 141
        line = unwritable(error)
        if line is None:
            raise
        print(line, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 130


if __name__ == "__main__":
    sys.exit(main())
