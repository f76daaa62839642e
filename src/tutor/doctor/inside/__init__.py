"""What runs inside a project's own interpreter: standard library only.

The modules here are started by path (see ``tutor.doctor.child``), never imported
by the tutor itself; they work on Python 3.9 and with whatever versions of Django,
Channels and Daphne the project has.  Each reports what it saw as lines of JSON.
"""
