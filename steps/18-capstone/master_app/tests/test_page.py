import os
import re
import shutil
from unittest import SkipTest

from channels.testing import ChannelsLiveServerTestCase
from django.contrib.auth import get_user_model
from playwright.sync_api import expect, sync_playwright

NAMES = (
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
)
NONE = 'No browser was found; CHROMIUM=/path/to/one names it'


def browser():
    """The program that CHROMIUM names, or one that is usual; or None."""
    named = os.environ.get('CHROMIUM')
    names = [named] if named else NAMES
    return next(filter(None, map(shutil.which, names)), None)


class Page(ChannelsLiveServerTestCase):
    """The page at / with Daphne behind it, as a person uses it."""

    @classmethod
    def setUpClass(cls):
        cls.browser = browser()
        if cls.browser is None:
            print(NONE)
            raise SkipTest(NONE)
        super().setUpClass()

    def test_a_number_is_asked_for_and_shown(self):
        expect.set_options(timeout=15_000)
        get_user_model().objects.create_user(
            'ada', password='tutorial', is_staff=True,
        )
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=self.browser,
            )
            page = chromium.new_page()
            page.goto(self.live_server_url)
            page.get_by_label('Username').fill('ada')
            page.get_by_label('Password').fill('tutorial')
            page.get_by_role('button', name='Log in').click()
            expect(page.locator('#state')).to_have_text('connected')
            page.get_by_role('button', name='Next number').click()
            said = re.compile(r'^Number \d+$')
            expect(page.locator('#spoken')).to_have_text(said)
            chromium.close()
