"""The standard recipe: from a log to a bundle."""
