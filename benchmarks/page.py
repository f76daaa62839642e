"""From the server to the screen: how soon a number is seen, how soon a page is back.

The page of step 7, and that of step 10, whose numbers come through a group; both in a
real browser without a window.

* A number is on the screen when the browser paints it: the time is taken in the first
  frame after the text has changed, and held against the moment at which the server
  sent it.  Both clocks are this machine's.  The server is given a consumer that sends
  its own time as the number; the page is left as it is.
* A page is back when it says so after its server was killed and started again; the
  time counts from the moment at which the new server answers.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from _timing import rounds
from playwright.sync_api import Page, sync_playwright

from tutor import browser, places, trees
from tutor.course import Course
from tutor.servers import Server, serving

COMMAND = ["python", "manage.py", "runserver"]
ON_SCREEN = 100.0  # milliseconds, at the median
BACK = 3.0  # seconds, at most

# The page shows whatever number comes, so the time of sending, in microseconds,
# travels as the number itself.
SENDS = """
import time
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer


class PracticeConsumer(AsyncConsumer):
    async def websocket_connect(self, event):
        await self.send({'type': 'websocket.accept'})
        await self.send({'type': 'websocket.send', 'text': '0'})

    async def websocket_receive(self, event):
        text = str(time.time_ns() // 1000)
        await self.send({'type': 'websocket.send', 'text': text})

    async def websocket_disconnect(self, event):
        raise StopConsumer
"""

# The same for a reading: what is published is forgotten.
PUBLISHES = """

def new(value):
    global last
    import time
    last = next(numbers)
    return {'type': 'reading', 'id': last, 'value': time.time_ns() // 1000}
"""

# Milliseconds from the server's sending to the frame that shows it, for each number.
WATCH = """
window.seen = [];
const place = document.getElementById('number');
document.getElementById('auto').checked = false;
new MutationObserver(() => requestAnimationFrame(() => {
  const sent = Number(place.textContent) / 1000;
  seen.push(performance.timeOrigin + performance.now() - sent);
})).observe(place, {childList: true});
"""


def on_screen(page: Page, server: Server, rounds: int) -> list[float]:
    """Ask for numbers one by one, as a person would."""
    page.goto(server.url)
    connected(page)
    page.evaluate(WATCH)
    button = page.get_by_role("button", name="Next number")
    for count in range(1, rounds + 1):
        button.click()
        page.wait_for_function("count => seen.length >= count", arg=count)
        page.wait_for_timeout(60)  # ws/readings/ takes 20 messages a second
    found: list[float] = page.evaluate("seen")
    return found[:rounds]


def connected(page: Page) -> None:
    page.wait_for_function("document.getElementById('state').textContent=='connected'")


def back(page: Page, server: Server, rounds: int) -> list[float]:
    """Kill the server and start it again; seconds until the page is connected."""
    page.goto(server.url)
    connected(page)
    found = []
    for _ in range(rounds):
        server.pause()
        page.wait_for_function(
            "document.getElementById('state').textContent=='reconnecting'"
        )
        server.again()
        server.ready()
        began = time.monotonic()
        connected(page)
        found.append(time.monotonic() - began)
    return found


def copy_of(slug: str, folder: str) -> Path:
    """A copy of a step's checkpoint."""
    course = Course.load(places.root())
    tree = course.tree(next(s.number for s in course.steps if s.slug == slug))
    assert tree is not None
    trees.copy(tree, Path(folder))
    return Path(folder)


def first(page: Page, project: Path, times: int) -> list[float]:
    """Let the consumer of step 7 send its time; milliseconds until it is seen."""
    (project / "master_app" / "consumers.py").write_text(SENDS)
    with serving(COMMAND, project) as server:
        return on_screen(page, server, times)


def grouped(page: Page, project: Path, times: int) -> list[float]:
    """Let each reading of step 10 be its time; milliseconds until it is seen."""
    with (project / "master_app" / "readings.py").open("a") as file:
        file.write(PUBLISHES)
    with serving(COMMAND, project) as server:
        return on_screen(page, server, times)


def main() -> None:
    times = rounds(__doc__, 100)
    path = browser.find()
    if path is None:
        sys.exit(f"No browser. To get one: {browser.HOW}")
    slow = False
    for slug, measure in (("browser", first), ("groups", grouped)):
        with (
            tempfile.TemporaryDirectory() as folder,
            sync_playwright() as playwright,
        ):
            project = copy_of(slug, folder)
            page = browser.launch(playwright, path).new_page()
            with serving(COMMAND, project) as server:
                recovered = back(page, server, max(3, times // 10))
            shown = measure(page, project, times)
        median = statistics.median(shown)
        late = statistics.quantiles(shown, n=20)[-1]
        print(
            f"{slug}: number on screen: median {median:.0f} ms, 95 % {late:.0f} ms, "
            f"{len(shown)} numbers; at most {ON_SCREEN:.0f} ms at the median"
        )
        print(
            f"{slug}: page back after its server: "
            f"median {statistics.median(recovered):.1f} s, "
            f"longest {max(recovered):.1f} s, {len(recovered)} restarts; "
            f"at most {BACK:.0f} s"
        )
        slow = slow or median > ON_SCREEN or max(recovered) > BACK
    if slow:
        sys.exit("That is too slow.")


if __name__ == "__main__":
    main()
