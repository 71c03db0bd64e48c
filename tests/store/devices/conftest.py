"""The edge at work, for every module of these tests."""

from tests.store.devices.test_edge import site

__all__ = ["site"]
