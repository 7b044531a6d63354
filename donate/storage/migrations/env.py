"""Runs the migrations, on the connection that `Database.upgrade` passes to Alembic."""

from alembic import context
from sqlmodel import SQLModel

import donate.bank.learned_shapes.models
import donate.bank.reconciliation.models
import donate.bank.statements.models
import donate.bank.transfer_mails.models
import donate.books.months.models
import donate.breaker.models
import donate.donors.own_page.models
import donate.finance.models
import donate.finance.saved_views.models
import donate.gifts.models
import donate.gifts.offline.models
import donate.gifts.search_index.models
import donate.letters.models
import donate.letters.reminders.models
import donate.letters.texts.models
import donate.storage.chain.models
import donate.stripe_gateway.balance.models
import donate.stripe_gateway.models  # noqa: F401 -- the imports fill SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
)
context.run_migrations()
