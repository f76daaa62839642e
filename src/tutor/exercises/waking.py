"""The check of exercise 7: wake a page's connection in a real browser, and count.

The browser runs the learner's own module with the project's ``live.js``.  Sockets and
clock are made of cardboard there, so that every moment can be chosen: a laptop that
wakes up while a socket is opening, open, closing or lost.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tutor import browser, children, pages
from tutor.exercises.answers import NotYet

SECONDS = 45  # that an answer may take, on a busy machine
STATIC = Path("master_app", "static", "master_app")
SITE = "http://page.example/"

SETUP = """
window.sockets = [];
window.WebSocket = class WebSocket extends EventTarget {
  static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
  constructor(url) { super(); this.url = String(url); this.now = 0; sockets.push(this) }
  get readyState() { return this.now; }
  become(state) {
    this.now = state;
    const event = new Event({1: 'open', 3: 'close'}[state] ?? 'none');
    this['on' + event.type]?.(event);
    this.dispatchEvent(event);
  }
  send() {}
  close() { if (this.now < 2) { this.now = 2; setTimeout(() => this.become(3)); } }
};
window.begin = (Wakeful) => {
  window.live = new Wakeful('ws/whole1/', { onState() {}, onNumber() {} });
};
window.alive = () => sockets.filter((socket) => socket.readyState < 2).length;
"""

LOST = "sockets[0].become(1); sockets[0].become(3);"

# What the laptop wakes up to: the state before; how often it is woken; how many
# sockets there may be at once after it, and 10 s later, in all; what is wrong if not.
MOMENTS = (
    ("", 1, 1, 1, "woken while a socket is opening"),
    ("sockets[0].become(1);", 2, 1, 1, "woken twice while a socket is open"),
    (LOST, 1, 2, 2, "woken while it waits to reconnect"),
    (LOST, 3, 2, 2, "woken three times while it waits to reconnect"),
    ("sockets[0].become(1); sockets[0].close();", 1, 0, 2, "woken while one closes"),
)


def judge(code: str, folder: Path) -> str | None:
    """What is wrong with an answer; None if nothing is.

    Args:
        code: the learner's module, which exports ``Wakeful``.
        folder: the exercise's copy of the project.
    """
    if any(line.strip() == "..." for line in code.splitlines()):
        return "`...` still stands in wake. %hint helps, three times."
    path = browser.find()
    if path is None:
        return f"{pages.NONE}, and this answer is checked in one."
    (folder / STATIC / "wakeful.js").write_text(code, encoding="utf-8")
    # As a child: an answer may never end.
    argv = ["python", "-P", __file__, str(path), str(folder / STATIC)]
    done = children.run(argv, folder, SECONDS)
    if done.timed_out:
        return f"it did not end within {SECONDS:g} s."
    lines = done.out.strip().splitlines()
    return lines[-1] if lines else "the browser said nothing." if done.code else None


def _wake(path: Path, static: Path) -> str | None:
    """Go through all moments in this browser; what is wrong at the first that fails."""
    from playwright.sync_api import Error, Route, sync_playwright

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix(SITE)
        if not name:
            route.fulfill(body="<!DOCTYPE html><title>A laptop</title>")
        elif (static / name).is_file():
            route.fulfill(path=static / name, content_type="text/javascript")
        else:
            route.fulfill(status=404, body="")

    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        try:
            page = chromium.new_page()
            page.set_default_timeout(5000)
            page.clock.install()
            page.add_init_script(SETUP)
            page.route("**", serve)
            for before, times, soon, later, moment in MOMENTS:
                page.goto(SITE)
                page.evaluate("import('./wakeful.js').then((m) => begin(m.Wakeful))")
                page.evaluate(f"() => {{ {before} {'live.wake(); ' * times} }}")
                total = page.evaluate("sockets.length")
                if soon and total != soon:
                    return f"{moment}, it opens {total - 1} more; {soon - 1} is right."
                page.clock.run_for(10_000)
                total, alive = page.evaluate("[sockets.length, alive()]")
                if alive != 1 or total > later:
                    return (
                        f"{moment}, it has {alive} sockets after ten seconds, "
                        f"of {total} in all; one should be left of {later}."
                    )
        except Error as error:
            said = error.message.splitlines()[0].removeprefix("Page.evaluate: ")
            return f"the browser says: {said}"
        finally:
            chromium.close()
    return None


def verdict(code: str, folder: Path) -> str:
    """Check an answer; see `tutor.exercises.check`."""
    if problem := judge(code, folder):
        raise NotYet(problem)
    return "Woken at five different moments, the page has one socket each time."


if __name__ == "__main__":
    print(_wake(Path(sys.argv[1]), Path(sys.argv[2])) or "")
