"""A desk that sends webhooks, on both databases, and a program that gets them."""

from collections.abc import Iterator

import pytest

from donate.storage.database import Database
from tests.outbound_webhooks.receiving import Program, WebhookDesk, open_desk, running_program


@pytest.fixture
def program() -> Iterator[Program]:
    with running_program() as program:
        yield program


@pytest.fixture
def desk(database: Database) -> Iterator[WebhookDesk]:
    desk = open_desk(database)
    yield desk
    desk.sender.stop()
