"""Fixtures that several folders of unit tests use."""

from __future__ import annotations

from tests.helpers.fleet import fleet as fleet  # noqa: PLC0414 - a fixture is found by its name here
