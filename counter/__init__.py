"""A board for a counter: whose ticket is called, and to which desk."""
