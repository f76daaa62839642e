"""The project's tests: python manage.py test, or pytest."""

from master_app import presence

presence.TURN = 60  # seconds: longer than any test takes
