"""The project's tests: python manage.py test, or pytest."""

import logging

from master_app import presence

presence.TURN = 60  # seconds: longer than any test takes
logging.disable(logging.INFO)  # who comes and goes is of no interest here
