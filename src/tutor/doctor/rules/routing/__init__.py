"""From a path to a consumer."""
