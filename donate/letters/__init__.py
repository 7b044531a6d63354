"""Letters to donors: found in what is recorded, written down once, sent at least once."""
