"""The staff page for movements of money: its filters, its words, and its queries."""
