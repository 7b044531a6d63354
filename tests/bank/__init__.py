"""Tests of what the bank says."""
