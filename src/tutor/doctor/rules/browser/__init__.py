"""Pages and their scripts, against what the server does."""
