"""The chart of accounts: the number and name that the charity gives to each role."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from donate.books.journal.roles import BY_FUND, CONTROL, AccountKey, AccountRole
from donate.money import is_currency
from donate.regions.terms import FundKey, Strict

MAX_NAME: Final = 100
"""QuickBooks Online limits names to this many characters."""

# A name starts with a letter or digit, so that spreadsheets do not run it as a formula.
_ONE_LINE: Final = r"^[^\W_][^\x00-\x1f\x7f]*$"
AccountNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,9}$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
AccountName = Annotated[str, StringConstraints(pattern=_ONE_LINE, max_length=MAX_NAME)]


class Account(Strict):
    """An account in the charity's accounting program.

    `name` is the name in QuickBooks Online, with a colon between a parent account and its
    subaccount. `path` is the full name in GnuCash, if it differs. `xero_code` is the code in Xero,
    if it differs from `number`; a bank account needs one. `names` has the names on the staff's
    pages in other languages, such as `fr`; exports never use them.
    """

    number: AccountNumber
    name: AccountName
    path: AccountName | None = None
    xero_code: AccountNumber | None = None
    names: dict[LanguageCode, AccountName] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        """The number and the name, as exports have them."""
        return f"{self.number} {self.name}"

    def title_in(self, language: str) -> str:
        """Return the number and the name for pages in a language such as fr-CA."""
        return f"{self.number} {self.names.get(language.partition('-')[0], self.name)}"

    @property
    def full_path(self) -> str:
        """The full name in GnuCash."""
        return self.path or self.name


class RoleAccounts(Account):
    """The account for a role.

    `each` has separate accounts for single funds, banks or currencies, by their keys.
    """

    each: dict[str, Account] = Field(default_factory=dict)


class Chart(Strict):
    """All accounts. `currency` is the currency of the charity's books.

    `xero_tax_rate` is the full name of the tax rate that Xero uses for lines without tax.
    `xero_tracking` is the name of Xero's tracking category for funds, if there is one. `classes`
    maps each fund to its class in QuickBooks, which is also its option in that tracking category.
    """

    currency: str
    xero_tax_rate: AccountName
    xero_tracking: AccountName | None = None
    classes: dict[FundKey, AccountName] = Field(default_factory=dict)
    accounts: dict[AccountRole, RoleAccounts]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not is_currency(self.currency):
            raise ValueError(f"currency: {self.currency!r} is not an ISO 4217 code")
        for role in AccountRole:
            if role not in self.accounts:
                raise ValueError(f"accounts.{role}: is missing")
        for role, account in self.accounts.items():
            for key in account.each:
                _check_part(role, key)
        self._check_numbers()
        return self

    def _check_numbers(self) -> None:
        names: dict[str, str] = {}
        uses: dict[str, set[AccountRole]] = defaultdict(set)
        for place, role, account in self._all():
            if names.setdefault(account.number, account.name) != account.name:
                raise ValueError(f"{place}: number {account.number} has another name elsewhere")
            uses[account.number].add(role)
        for number, roles in uses.items():
            for role in sorted(roles & CONTROL):
                if len(roles) > 1:
                    raise ValueError(
                        f"accounts.{role}: needs an account of its own, but {number} is also for "
                        + ", ".join(sorted(roles - {role}))
                    )

    def _all(self) -> Iterator[tuple[str, AccountRole, Account]]:
        for role, account in self.accounts.items():
            yield f"accounts.{role}", role, account
            for key, other in account.each.items():
                yield f"accounts.{role}.each.{key}", role, other

    def account(self, key: AccountKey) -> Account:
        """Return the account for the key's bank or fund, or for its currency, or for its role."""
        account = self.accounts[key.role]
        return account.each.get(key.part) or account.each.get(key.currency) or account

    def titles_in(self, language: str) -> dict[str, str]:
        """Map each account's title in exports to its title on pages in a language."""
        return {account.title: account.title_in(language) for _, _, account in self._all()}

    def gaps(self, currencies: Collection[str], funds: Collection[str]) -> Iterator[str]:
        """Yield a sentence for each missing account, and for each fund here that no region has."""
        for currency in sorted(set(currencies) - {self.currency}):
            for role in AccountRole:
                if role in CONTROL and currency not in self.accounts[role].each:
                    yield f"accounts.{role}.each.{currency} is missing; {currency} needs its own"
        for role in sorted(BY_FUND):
            for key in sorted(self.accounts[role].each):
                if not is_currency(key) and key not in funds:
                    yield f"accounts.{role}.each.{key} names a fund that no region has"
        for fund in sorted(self.classes.keys() - set(funds)):
            yield f"classes.{fund} names a fund that no region has"


def _check_part(role: AccountRole, key: str) -> None:
    may_be_named = role is AccountRole.BANK or role in BY_FUND
    if not is_currency(key) and not (may_be_named and key == key.lower()):
        wanted = "a currency, or a bank or fund in small letters" if may_be_named else "a currency"
        raise ValueError(f"accounts.{role}.each.{key}: must be {wanted}")
