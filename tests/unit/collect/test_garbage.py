"""The search for garbage is put off, and begins again however the work ends."""

from __future__ import annotations

import gc

import pytest

from fluxdoctor.collect.garbage import uncollected


@pytest.mark.parametrize("was", [True, False])
def test_it_is_as_it_was_after_an_error(was: bool) -> None:
    enabled = gc.isenabled()
    (gc.enable if was else gc.disable)()
    try:
        with pytest.raises(ValueError, match="False"):
            _fail()
        assert gc.isenabled() is was
    finally:
        (gc.enable if enabled else gc.disable)()


@uncollected()
def _fail() -> None:
    raise ValueError(str(gc.isenabled()))
