"""A picture of the board's page in a real browser, for somebody who has logged in."""

from __future__ import annotations

import asyncio

from tutor import browser
from tutor.referee.ground import Ground
from tutor.referee.publisher import Publisher, Unpublished
from tutor.servers import Server

SECONDS = 30.0
NEWS = 24  # that the page is shown before
SIZE = {"width": 1000, "height": 640}


async def taken(ground: Ground, publish: Publisher) -> tuple[bytes, str]:
    """The picture as JPEG, and why there is none where there is none.

    The page comes from ``runserver``, which serves its files, too.
    """
    found = browser.find()
    if found is None:
        return b"", f"no browser here: {browser.HOW}"
    server = Server(["python", "manage.py", "runserver"], ground.project, ground.extra)
    try:
        if not await asyncio.to_thread(server.ready):
            return b"", "python manage.py runserver ended while starting"
        async with asyncio.timeout(SECONDS):
            return await _shoot(ground, publish, server), ""
    except TimeoutError:
        return b"", f"the page was not ready within {SECONDS:g} s"
    except Exception as error:  # Playwright's own, of many kinds
        return b"", f"the page did not open ({type(error).__name__})"
    finally:
        await asyncio.to_thread(server.stop)


async def _shoot(ground: Ground, publish: Publisher, server: Server) -> bytes:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browser.find(), args=browser.arguments()
        )
        try:
            context = await chromium.new_context(
                viewport=SIZE,  # type: ignore[arg-type]
                color_scheme="light",
                reduced_motion="reduce",
            )
            for name, value in ground.ada.items():
                await context.add_cookies(
                    [{"name": name, "value": value, "url": server.url}]
                )
            page = await context.new_page()
            async with page.expect_event("websocket") as opening:
                await page.goto(server.url + ground.declared.page)
            socket = await opening.value
            await page.wait_for_timeout(300)
            hearing = asyncio.ensure_future(_hears(socket))
            for _ in range(NEWS):
                try:
                    await publish(server)
                except Unpublished:
                    break
            await asyncio.wait([hearing], timeout=3)
            await page.wait_for_timeout(500)
            return await page.screenshot(type="jpeg", quality=80)
        finally:
            await chromium.close()


async def _hears(socket: object) -> None:
    """Wait for one message; the page draws what it was told soon after."""
    await socket.wait_for_event("framereceived")  # type: ignore[attr-defined]
