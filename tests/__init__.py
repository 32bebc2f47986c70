"""The test suite. A package, so that support code is imported as `tests.support`."""
