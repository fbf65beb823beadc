"""The API key: what no server can know is a fault, told without any of it."""

import pytest

from supervisor.config import settings
from tasks.errors import ConfigError

GOOD = "aB3" * 21 + "x"
HERE = "http://127.0.0.1:8080"
NEVER = {
    "the README's dots": "...",
    "one sign of them": "…",
    "a hint": "<your key>",
    "a variable that was not put in": "${KEEPA_KEY}",
    "quotes kept by docker": f'"{GOOD}"',
    "single quotes": f"'{GOOD}'",
    "quotes of a text processor": f"\u201c{GOOD}\u201d",
    "a blank": f"{GOOD[:30]} {GOOD[30:]}",
    "a letter of no key": GOOD[:-1] + "é",
    "bytes that are not UTF-8": GOOD[:-1] + "\udcff",
    "a line's end": f"{GOOD[:30]}\n{GOOD[30:]}",
}
NOT_OF_KEEPA = {
    "too short": GOOD[:-1],
    "too long": GOOD + "y",
    "with a sign": GOOD[:-1] + "-",
    "with the name of the parameter": f"key={GOOD}",
}


def refused(**environ):
    with pytest.raises(ConfigError) as caught:
        settings.load_settings(environ, dotenv=None)
    said = str(caught.value)
    assert "KEEPA_API_KEY (from environment) cannot be used: " in said
    assert GOOD[:8] not in said
    return said


@pytest.mark.parametrize("key", NEVER.values(), ids=NEVER)
@pytest.mark.parametrize("url", ["", HERE])
def test_what_no_server_can_know_is_a_fault_wherever_it_goes(key, url):
    refused(KEEPA_API_KEY=key, KEEPA_BASE_URL=url)


def test_a_key_is_judged_also_while_the_server_has_a_fault():
    said = refused(KEEPA_API_KEY='"quoted"', KEEPA_BASE_URL="nowhere")
    assert "the configuration has 2 faults" in said
    with pytest.raises(ConfigError, match="has a fault"):
        settings.load_settings({"KEEPA_API_KEY": "of-another-server", "KEEPA_BASE_URL": "nowhere"}, dotenv=None)


@pytest.mark.parametrize("key", NOT_OF_KEEPA.values(), ids=NOT_OF_KEEPA)
@pytest.mark.parametrize("url", ["", "https://api.keepa.com", "https://API.KEEPA.COM/"])
def test_a_key_that_keepa_cannot_have_given_out_is_a_fault_when_it_goes_there(key, url):
    said = refused(KEEPA_API_KEY=key, KEEPA_BASE_URL=url)
    assert "a key of Keepa's has 64 letters and digits" in said


def test_on_this_machine_any_key_will_do_and_elsewhere_a_note_tells():
    assert settings.load_settings({"KEEPA_API_KEY": "short", "KEEPA_BASE_URL": HERE}, dotenv=None).notes == ()
    elsewhere = settings.load_settings(
        {"KEEPA_API_KEY": "short", "KEEPA_BASE_URL": "http://mirror.example"}, dotenv=None
    )
    (told,) = elsewhere.notes
    assert "it has 5 characters" in told
    assert "short" not in told


def test_a_key_as_keepa_gives_it_is_taken():
    assert settings.load_settings({"KEEPA_API_KEY": f" {GOOD} "}, dotenv=None).keepa_api_key.reveal() == GOOD
