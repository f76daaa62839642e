"""What goes from one consumer to others: groups, channels, workers."""
