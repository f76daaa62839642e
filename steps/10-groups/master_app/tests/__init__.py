"""The project's tests: python manage.py test, or pytest."""
