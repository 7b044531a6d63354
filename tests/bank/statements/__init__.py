"""Tests of importing bank statements."""
