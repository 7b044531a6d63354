"""`donate doctor`: reports problems with the settings, regions and database. It changes nothing."""

from collections.abc import Iterator
from typing import Final

from sqlmodel import Session, func, select

from donate.books.accounts import load_chart
from donate.commands.doctor.private_files import open_files
from donate.commands.stored_secrets import count_old_secrets
from donate.errors import DatabaseBusy, Misconfigured
from donate.finance.models import Staff
from donate.finance.people.queries import has_admin, has_any_second_factor
from donate.outbound_webhooks.desk import list_receivers
from donate.regions.regions import load_regions
from donate.settings import Settings
from donate.storage.database import Database
from donate.storage.schema import SchemaAge
from donate.storage.service_account import may_alter_tables
from donate.stripe_gateway.models import EventState, StripeEvent
from donate.stripe_gateway.webhooks.health import webhook_silence
from donate.trust.secret_cipher import cipher_of
from donate.web.limits.file_limit import too_few_files

_AGES: Final = {
    SchemaAge.MISSING: ("the database in DATABASE_URL has no tables yet: run `donate db upgrade`"),
    SchemaAge.OLD: "the tables are older than this version of the service: run `donate db upgrade`",
    SchemaAge.NEWER: (
        "the tables are newer than this version of the service: install the newer version"
    ),
}


def examine(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each problem with settings, regions and database. Needs no network."""
    if settings.demo:
        yield "DEMO is on: pages say that no gift is real"
    if not settings.writes_letters:
        yield "donors get no e-mails: set SMTP_URL and MAIL_FROM"
    elif settings.letters_folder and not settings.demo:
        yield "e-mails go to LETTERS_FOLDER and do not reach donors: set SMTP_URL instead"
    too_few = too_few_files()
    if too_few:
        yield too_few
    if not (settings.socket or settings.host in ("127.0.0.1", "::1", "localhost")):
        yield (
            "HOST lets others connect to the service itself, around the proxy and without TLS: set "
            "SOCKET, or HOST=127.0.0.1"
        )
    if settings.database_tls == "optional":
        yield "DATABASE_TLS is optional: what goes to PostgreSQL may be read on the way"
    yield from open_files(settings)
    yield from _examine_sign_in(settings)
    regions = load_regions(settings.regions_file)
    for code, region in regions.items():
        missing = [f"organisation.{name}" for name in region.organisation.empty_fields()]
        for mode, terms in region.modes.items():
            missing += [f"modes.{mode}.{name}" for name in terms.empty_fields()]
        for name in missing:
            yield f"{code}: {name} is empty; fill it in in the regions file"
    currencies = {region.currency for region in regions.values()}
    funds = {fund for region in regions.values() for fund in region.funds}
    for gap in load_chart(settings.books_accounts).gaps(currencies, funds):
        yield f"BOOKS_ACCOUNTS: {gap}"
    yield from _examine_database(settings)


def _examine_sign_in(settings: Settings) -> Iterator[str]:
    if not settings.second_factor_key:
        yield "staff cannot set up a second factor: set SECOND_FACTOR_KEY (openssl rand -hex 32)"
    elif settings.staff_second_factor == "optional":
        yield "a stolen password opens the staff pages: set STAFF_SECOND_FACTOR=everybody"
    if settings.oidc_issuer.startswith("http://"):
        yield "OIDC_ISSUER begins with http://, so anyone on the network can sign in as staff"


def _examine_keys(session: Session, settings: Settings) -> Iterator[str]:
    cipher = cipher_of(settings.second_factor_key)
    if cipher:
        keys = count_old_secrets(session, cipher)
        if keys.old:
            yield f"{keys.old} secrets are under an old key: run `donate secrets renew`"
        if keys.lost:
            yield f"no key of SECOND_FACTOR_KEY decrypts {keys.lost} secrets: put the key back"
        return
    if has_any_second_factor(session):
        yield "SECOND_FACTOR_KEY is empty: the codes of people’s apps do not work"
    if list_receivers(session):
        yield "SECOND_FACTOR_KEY is empty: webhooks to other programs cannot be signed"


def _examine_database(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each problem with the database, without creating or migrating it."""
    database = Database(settings.database_url)
    try:
        age = database.age()
        if age is not SchemaAge.CURRENT:
            yield _AGES[age]
            return
        with database.reading() as session:
            if not database.is_sqlite and may_alter_tables(session.connection()):
                yield (
                    "the account of PostgreSQL in DATABASE_URL may alter the tables: run the "
                    "service with a smaller one, see `donate db grant` in docs/operate.md"
                )
            if not session.exec(select(func.count()).select_from(Staff)).one():
                yield "nobody can sign in at /finance; add someone with `donate staff add`"
            elif not has_admin(session):
                yield "nobody is an admin; make someone one with `donate staff role EMAIL admin`"
            yield from _examine_keys(session, settings)
            set_aside = select(func.count()).where(StripeEvent.state == EventState.SET_ASIDE)
            count = session.exec(set_aside).one()
            if count:
                yield f"{count} Stripe events were set aside; see /finance/set-aside"
            silence = webhook_silence(session)
            if silence:
                yield str(silence)
    except Misconfigured as error:
        yield str(error)
    except DatabaseBusy as error:
        yield f"the database cannot be used ({error})"
    finally:
        database.close()
