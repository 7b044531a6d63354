"""The pages on which admins manage staff, and on which everyone manages their own account."""
