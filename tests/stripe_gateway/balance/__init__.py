"""Tests of payouts and balance transactions."""
