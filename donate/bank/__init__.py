"""What the bank reports: statements, Interac's e-mails, and which gifts each bank line pays."""
