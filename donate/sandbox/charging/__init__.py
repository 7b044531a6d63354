"""Taking money and giving it back: charges, saved methods, refunds and disputes."""
