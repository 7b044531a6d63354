"""What the bank says: statements, Interac's e-mails, and which gifts their lines pay."""
