"""What a cell prints as lines to be compared, and where two of them differ."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from tutor import notebook

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"  # its ids are random


def lines(outputs: Any, sanitize: Callable[[str], str]) -> Iterator[str]:
    """The outputs as lines to be compared, each kind but stdout under its name.

    Args:
        outputs: of a cell.
        sanitize: takes out what may vary.
    """
    wrapped = notebook.joined({"cells": [{"outputs": outputs}]})
    for out in wrapped["cells"][0]["outputs"]:
        if out["output_type"] == "stream":
            if out["name"] != "stdout":
                yield f"[{out['name']}]"
            *whole, last = sanitize(out["text"]).split("\n")
            yield from whole
            if last:
                yield f"{last}[no newline at the end]"
        elif out["output_type"] == "error":
            yield f"[error] {out['ename']}: {out['evalue']}"
        else:
            for mime in sorted(set(out["data"]) - {WIDGET_VIEW}):
                yield f"[{mime}]"
                text = readable(mime, out["data"][mime])
                yield from sanitize(text).split("\n")


def diff(stored: list[str], fresh: list[str]) -> str:
    """A unified diff; a page or picture on one long line is cut at its tags."""

    def cut(lines: list[str]) -> list[str]:
        return "\n".join(lines).replace("><", ">\n<").split("\n")

    for one, other in ((cut(stored), cut(fresh)), (stored, fresh)):
        names = ("stored in the notebook", "printed now")
        if lines := list(difflib.unified_diff(one, other, *names, lineterm="")):
            return "\n".join(lines)
    return ""


def readable(mime: str, value: Any) -> str:
    """The value as lines that are equal only if it is; pictures by size and digest."""
    if mime.startswith("image/") and isinstance(value, str) and mime.count("svg") == 0:
        data = value.replace("\n", "")
        digest = hashlib.sha256(data.encode()).hexdigest()[:16]
        return f"<{len(data) * 3 // 4} bytes, sha256 {digest}…>"
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
