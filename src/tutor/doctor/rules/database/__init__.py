"""Models, rows and tables."""
