"""The page of the breaker: what it does now, the switch, and the log of attacks."""

from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from donate.breaker.attack_queries import recent_attacks
from donate.breaker.breaker import Breaker
from donate.breaker.models import Lane, Level, SwitchPosition
from donate.breaker.switch import newest_switch, set_switch
from donate.clock import Clock
from donate.finance.access import Visiting, needs
from donate.finance.breaker.words import LANES, LEVELS, POSITIONS, breaker_sentence
from donate.finance.roles import Role
from donate.finance.staff.accounts import names_of
from donate.finance.words import actor_name
from donate.storage.database import Database
from donate.web.templating import Localizer, Pages

ATTACKS_SHOWN: Final = 20
ACT_OF: Final = {position: f"breaker_{position}" for position in SwitchPosition}


class BreakerPages:
    """The routes `/finance/breaker`."""

    def __init__(
        self, database: Database, pages: Pages, clock: Clock, time_zone: str, *, breaker: Breaker
    ) -> None:
        self._database = database
        self._pages = pages
        self._clock = clock
        self._time_zone = time_zone
        self._breaker = breaker

    def add_routes(self, router: APIRouter) -> None:
        """Add the routes to the router of the staff pages."""
        router.add_api_route("/breaker", self.show, methods=["GET"])
        router.add_api_route("/breaker", self.set, methods=["POST"])

    @needs(Role.VIEWER)
    def show(self, visit: Visiting) -> Response:
        """Show the levels, the switch and the newest attacks."""
        with self._database.reading() as session:
            levels = {lane: self._breaker.level(session, lane) for lane in Lane}
            switch = newest_switch(session)
            names = names_of(session, {switch.set_by} if switch else set())
            attacks = recent_attacks(session, ATTACKS_SHOWN)
            sentence = breaker_sentence(session, Localizer(visit.language))
        return self._pages.render(
            "finance/breaker.html",
            visit.language,
            staff=visit.signed_in,
            sentence=sentence,
            levels=levels,
            switch=switch,
            position=switch.position if switch else SwitchPosition.AUTOMATIC,
            set_by=actor_name(switch.set_by, names, visit.language) if switch else "",
            attacks=attacks,
            lane_names=LANES,
            level_names={int(level): LEVELS[level] for level in Level},
            positions=POSITIONS,
            may_write=visit.signed_in.may(Role.FINANCE),
            time_zone=self._time_zone,
        )

    @needs(Role.FINANCE)
    def set(self, visit: Visiting, position: Annotated[SwitchPosition, Form()]) -> Response:
        """Set the switch. It stays until somebody sets it again."""
        now = self._clock.now()
        with self._database.writing() as session:
            set_switch(session, position, f"staff:{visit.signed_in.staff_id}", now=now)
            visit.record(session, ACT_OF[position], now=now)
        return RedirectResponse("/finance/breaker", 303)
