"""Who is let in, and what comes of those who are not."""
