"""Tests of tying bank lines to gifts and payouts."""
