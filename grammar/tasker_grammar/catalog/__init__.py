"""Compositions that come with Tasker, one file each, and how they and a user's own are found by name."""
