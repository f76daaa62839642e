"""What keeps a project from being loaded, and what it says before anyone comes."""
