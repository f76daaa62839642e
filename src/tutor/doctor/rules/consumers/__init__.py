"""What consumers do with the messages that they get and send."""
