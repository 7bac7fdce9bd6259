"""The SQL of Tasker and what installs it."""
