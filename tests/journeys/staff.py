"""Lets the HTTP client of a journey sign in as staff."""

from datetime import UTC, datetime, timedelta

from donate.finance.roles import Role
from donate.finance.staff.accounts import add_staff
from tests.journeys.donor_steps import World, field

PASSWORD = "seven calm herons"


def sign_in(world: World) -> None:
    with world.database.writing() as session:
        add_staff(
            session,
            "bea@example.org",
            name="Bea Roy",
            role=Role.FINANCE,
            password=PASSWORD,
            now=datetime.now(UTC) - timedelta(minutes=1),
        )
    form = world.page("/finance/sign-in")
    typed = {name: field(form, name) for name in ("form_token", "next")}
    typed |= {"email": "bea@example.org", "password": PASSWORD}
    assert world.http.post("/finance/sign-in", data=typed).status_code == 303
