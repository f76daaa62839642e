"""Ask for a page as a browser would, and print how that is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing

from tutor.client.handshake import cookie
from tutor.sites import Site, link
from tutor.sites import host as host_of
from tutor.wording import in_words


def get(
    server: Site,
    path: str,
    host: str = "",
    header: str = "",
    name: str = "",
    cookies: Mapping[str, str] | None = None,
    lines: str = "",
) -> None:
    """Ask for a page as a browser would; print its status and its title.

    Args:
        server: who is asked.
        path: such as ``/``.
        host: the name the server is called by; its address if left out.
        header: a header of the answer, printed as well.
        name: whose browser it is, printed before each line.
        cookies: what the browser has, for whoever has logged in.
        lines: print those lines of the answer that begin so, as well.
    """
    before = f"{name} " if name else ""
    headers = {"Host": host or host_of(server)}
    if cookies:
        headers["Cookie"] = cookie(cookies)
    shown = server.called(path)
    print(f"{before}→ GET {shown}" + (f"   Host: {host}" if host else ""))
    with in_words(f"GET {shown}"), closing(link(server)) as opened:
        opened.request("GET", path, headers=headers)
        answer = opened.getresponse()
        body = answer.read().decode("utf-8", "replace")
    title = re.search(r"<title>\s*(.*?)\s*</title>", body, re.DOTALL)
    said = f'   "{" ".join(title[1].split())}"' if title else ""
    print(f"{before}← {answer.status} {answer.reason}{said}")
    if header:
        print(f"  {header}: {answer.getheader(header, 'not sent')}")
    for line in body.splitlines() if lines else ():
        if line.startswith(lines):
            print(f"  {line}")
