"""Policies for tests."""

from pathlib import Path

#: The file of tests that are about something else: everything is scored and recorded, nothing is asked.
OPEN_POLICY = str(Path(__file__).with_name("open.toml"))
