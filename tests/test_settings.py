"""A wrong setting stops the start, with a message that has its name and never its value."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings as law, strategies as st

from donate.errors import Misconfigured
from donate.settings import Settings, load_settings
from tests.links import LINK_KEY
from tests.settings import KEY, SECRET, load, refusal

LIVE = "sk_live_51Kd83kfLs02mQpZ7uYtR1"
REAL = {"stripe_secret_key": LIVE, "public_url": "https://give.example.org"}
OTHER_SECRET = "whsec_9aBc83kfLs02mQpZ7uYtR2"
VARIABLES = [name.upper() for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


BAD_SECRETS = [
    "",
    " ",
    "\t\n",
    "changeme",
    "CHANGE-ME-CHANGE-ME",
    "{prefix}...",
    "{prefix}",
    "{prefix}short",
    "{prefix}xxxxxxxxxxxxxxxxxxxxxxxx",
    "{prefix}XXXXXXXXXXXXXXXXXXXXXXXX",
    "{prefix}000000000000000000000000",
    "{prefix}your_secret_goes_here",
    "{prefix}replace_this_with_yours",
    "{prefix}example1234567890abc",
    "<{prefix}4fJd83kfLs02mQpZ7uYtR1>",
    "4fJd83kfLs02mQpZ7uYtR1wwww",
    "{other}4fJd83kfLs02mQpZ7uYtR1",
]


@pytest.mark.parametrize("bad", BAD_SECRETS)
@pytest.mark.parametrize(
    ("name", "prefix", "other"),
    [
        ("stripe_secret_key", "sk_test_", "pk_test_"),
        ("stripe_secret_key", "rk_live_", "whsec_"),
        ("stripe_webhook_secret", "whsec_", "sk_test_"),
    ],
)
def test_a_wrong_secret_stops_the_start(name: str, prefix: str, other: str, bad: str) -> None:
    """A secret that is empty, a placeholder or of the wrong kind stops the start."""
    value = bad.format(prefix=prefix, other=other)
    message = refusal(**{name: value})
    assert message.startswith(f"{name.upper()} ")
    assert len(message.splitlines()) == 2
    if len(value.strip()) > len(prefix):
        assert value not in message


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_a_missing_secret_stops_the_start(name: str) -> None:
    """The service does not start without its two secrets, and the message names both."""
    with pytest.raises(Misconfigured) as refused:
        load_settings(None)
    assert f"{name} " in str(refused.value)


def test_every_wrong_setting_is_named_at_once() -> None:
    """All wrong settings are reported together, in one line each."""
    message = refusal(stripe_secret_key="", stripe_webhook_secret="", port="0", demo="perhaps")
    names = [line.split()[0] for line in message.splitlines()[:-1]]
    assert sorted(names) == ["DEMO", "PORT", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"]


@pytest.mark.parametrize(
    "more",
    [
        {"stripe_secret_key": "hunter2hunter2hunter2"},
        {"stripe_webhook_secret": f"{SECRET},hunter2hunter2hunter2"},
        {"port": "hunter2"},
        {"demo": "hunter2"},
        {"log_level": "hunter2"},
        {"public_url": "ftp://hunter2"},
        {"smtp_url": "smtp://give:hunter2/#@mail.example.org"},
        {"mail_from": "hunter2"},
        {"demo": True, "stripe_secret_key": "sk_live_51Khunter2Ls02mQpZ7uYt"},
    ],
)
def test_no_refusal_repeats_a_value(more: dict[str, Any]) -> None:
    """No message about a wrong setting has its value, because the message may end up in logs."""
    message = refusal(**more)
    assert "hunter2" not in message
    assert list(more)[-1].upper() in message


@law(max_examples=300, deadline=None)
@given(st.text(string.ascii_letters + string.digits, min_size=24, max_size=99))
def test_a_real_secret_is_taken(random: str) -> None:
    """Random letters and digits, as in real secrets, are never mistaken for a placeholder."""
    if len(set(random)) < 12:
        random += string.ascii_letters
    load(
        **REAL | {"stripe_secret_key": f"sk_live_51{random}"},
        stripe_webhook_secret=f"whsec_{random}",
    )


@pytest.mark.parametrize("chance", ["xxx", "Xxx", "your", "yOuR"])
def test_a_secret_that_looks_like_a_placeholder_by_chance_is_taken(chance: str) -> None:
    """A real secret is accepted even if it happens to contain a placeholder's letters.

    Such letters occur by chance in one of several hundred secrets.
    """
    load(stripe_webhook_secret=f"whsec_4fJd83kf{chance}Ls02mQpZ7")


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        (SECRET, (SECRET,)),
        (f"{SECRET},{OTHER_SECRET}", (SECRET, OTHER_SECRET)),
        (f" {SECRET} ,\t{OTHER_SECRET}\n", (SECRET, OTHER_SECRET)),
        (f"{SECRET},", (SECRET,)),
    ],
)
def test_there_may_be_two_webhook_secrets(given: str, secrets: tuple[str, ...]) -> None:
    """STRIPE_WEBHOOK_SECRET may have several secrets, as Stripe uses two while it replaces one."""
    assert load(stripe_webhook_secret=given).webhook_secrets == secrets


@pytest.mark.parametrize("given", [",", " , ", f"{SECRET},nonsense-nonsense-1234"])
def test_one_wrong_webhook_secret_is_refused(given: str) -> None:
    """STRIPE_WEBHOOK_SECRET is refused if any of its secrets is wrong, or if it has none."""
    assert refusal(stripe_webhook_secret=given).startswith("STRIPE_WEBHOOK_SECRET ")


@pytest.mark.parametrize(
    ("key", "livemode"),
    [
        (KEY, False),
        (LIVE, True),
        (KEY.replace("sk", "rk"), False),
        (LIVE.replace("sk", "rk"), True),
        (f" {LIVE}\n", True),
        ("sk_test_51_live_Kd83kfLs02mQpZ7uYtR1", False),
    ],
)
def test_the_key_says_whether_money_is_real(key: str, livemode: bool) -> None:
    """The beginning of the Stripe key alone decides whether the service is in live mode."""
    settings = load(**REAL | {"stripe_secret_key": key})
    assert settings.livemode is livemode
    assert settings.stripe_secret_key.get_secret_value() == key.strip()


def test_the_demo_takes_no_real_money() -> None:
    """The demo refuses a live key of Stripe."""
    assert load(demo=True).demo
    assert "STRIPE_SECRET_KEY" in refusal(demo=True, stripe_secret_key=LIVE)


@pytest.mark.parametrize(
    "origin",
    [
        "www.example.org",
        "https://",
        "https://www.example.org/",
        "https://a.example/give",
        "*",
        "null",
    ],
)
def test_embed_origins_are_origins(origin: str) -> None:
    """EMBED_ORIGINS takes exact origins only, without a path or a wildcard."""
    with pytest.raises(Misconfigured, match="EMBED_ORIGINS must be origins"):
        load(embed_origins=origin)
    assert load(embed_origins="https://a.example, http://127.0.0.1:8002").embed_origins == (
        "https://a.example",
        "http://127.0.0.1:8002",
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [("", ()), (" ", ()), ("a", ("a",)), ("a, b ,c", ("a", "b", "c")), ("a,,b,", ("a", "b"))],
)
def test_a_list_is_separated_by_commas(given: str, words: tuple[str, ...]) -> None:
    """A setting with a list is separated by commas, and an empty one is an empty list."""
    assert load(checkout_hosts=given).checkout_hosts == words


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://give.example.org/", "https://give.example.org"),
        ("https://give.example.org//", "https://give.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_an_address_ends_without_a_slash(given: str, address: str) -> None:
    """A trailing slash of PUBLIC_URL is removed, because paths are appended to it."""
    assert load(public_url=given).public_url == address


@pytest.mark.parametrize(
    "given", ["", "give.example.org", "//x", "https://", "https:", "javascript:1", "https://["]
)
@pytest.mark.parametrize("name", ["public_url", "stripe_api_base"])
def test_an_invalid_url_is_refused(name: str, given: str) -> None:
    """A URL without http, https or a host stops the start."""
    assert refusal(**{name: given}).startswith(f"{name.upper()} ")


@pytest.mark.parametrize("level", ["LOUD", "", "info"])
def test_an_unknown_log_level_is_refused(level: str) -> None:
    """An unknown log level stops the start."""
    assert refusal(log_level=level).startswith("LOG_LEVEL ")


def test_the_environment_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment takes precedence over `.env`, and both are read."""
    file = tmp_path / ".env"
    secrets = f"STRIPE_SECRET_KEY={KEY}\nSTRIPE_WEBHOOK_SECRET={SECRET}\nLINK_KEY={LINK_KEY}\n"
    file.write_text(f"{secrets}PORT=9000\n")
    monkeypatch.setenv("PORT", "9001")
    settings = load_settings(file)
    assert (settings.port, settings.webhook_secrets) == (9001, (SECRET,))


def test_a_secret_is_not_shown() -> None:
    """The `repr` of the settings does not contain the secrets."""
    shown = repr(load(stripe_webhook_secret=f"{SECRET},{OTHER_SECRET}", metrics_token="hunter2"))
    assert [s for s in (KEY, SECRET, OTHER_SECRET, "hunter2") if s in shown] == []


@pytest.mark.parametrize("name", ["public_url", "stripe_api_base"])
def test_real_money_goes_by_https(name: str) -> None:
    """With a live key, the URLs of the service and of Stripe have to use https."""
    with pytest.raises(Misconfigured, match=f"{name.upper()} must begin with https://"):
        load(**REAL | {name: "http://give.example.org"})


def test_proxies_are_named() -> None:
    """TRUSTED_PROXIES refuses `*`, with which anybody could claim any IP address."""
    with pytest.raises(Misconfigured, match="TRUSTED_PROXIES must name the proxies"):
        load(trusted_proxies="*")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"smtp_url": "smtp://mail.example.org"}, "MAIL_FROM"),
        ({"letters_folder": "letters"}, "MAIL_FROM"),
        ({"smtp_url": "mail.example.org:587"}, "SMTP_URL"),
        ({"mail_from": "Give <give@example.org>"}, "MAIL_FROM"),
        (
            {
                "smtp_url": "smtp://mail.example.org",
                "letters_folder": "letters",
                "mail_from": "give@example.org",
            },
            "SMTP_URL and LETTERS_FOLDER",
        ),
    ],
)
def test_letters_need_one_carrier_and_a_sender(given: dict[str, Any], named: str) -> None:
    """The settings for e-mails need a mail server or a folder, not both, and a sender address."""
    assert refusal(**given).startswith(named)


def test_without_server_and_folder_no_letters_are_written() -> None:
    """No e-mails are written if neither a mail server nor a folder is set."""
    assert not load(smtp_url="", letters_folder="", mail_from="give@example.org").writes_letters
    for way in ({"smtp_url": "smtps://mail.example.org"}, {"letters_folder": "letters"}):
        assert load(**way, mail_from="give@example.org").writes_letters


@pytest.mark.parametrize(("value", "limit"), [("", None), ("0", 0), ("1000000", 1_000_000)])
def test_from_which_amount_a_month_needs_two_people(value: str, limit: int | None) -> None:
    """Empty means that one person is enough; zero is a limit."""
    settings = load(month_second_person_above_minor=value)
    assert settings.month_second_person_above_minor == limit


@pytest.mark.parametrize("value", ["-1", "10.50", "much"])
def test_a_limit_of_months_that_is_no_amount_is_refused(value: str) -> None:
    """A limit that is negative, or no whole number of minor units, names its variable."""
    assert "MONTH_SECOND_PERSON_ABOVE_MINOR" in refusal(month_second_person_above_minor=value)
