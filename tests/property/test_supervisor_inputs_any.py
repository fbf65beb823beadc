"""Whatever a person writes into a setting, a `.env` file or a selection: it is used, or one message says what is odd.

No input ends in another error than a fault of the configuration, and none that may be a secret is repeated.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.option_kinds import HttpUrl
from supervisor.config.options import OPTIONS
from supervisor.config.settings import load_settings
from supervisor.database import dsn
from tasks.errors import ConfigError
from tasks.keepa.selection.selection import parse
from tasks.secret import Secret

SECRET, OTHER = "s3cretWord", "0therWord"
ODD = (
    *("\x00", "\n", "\r", "\udcff", "\ud83d", "\u00e9", "\uff11", "\u200b", " ", "'", '"', "#", "%", "%zz", "%00"),
    *("[", "]", "::1", "@", ":", "/", "?", "&", "=", "\\", "$", "~", "-", "_", ".", "..", "e9", "nan", "inf"),
    *("1_0", "0x1", "9" * 400),
)
NASTY = st.sampled_from(ODD)
PIECES = st.lists(NASTY | st.text(max_size=5), max_size=6).map("".join)
URLS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["http://", "HTTPS://", "postgresql://", "postgres://"]),
    st.just("") | PIECES,
    st.sampled_from(["", f"u:{SECRET}@", f":{SECRET}@"]),
    st.sampled_from(["", "h", "[::1]", "127.0.0.1:80", "a" * 70, "h:99999"]),
    st.sampled_from(["", f"?password={OTHER}", f"?options=-c a.b={OTHER}", f"/d?sslpassword={OTHER}"]),
)
NAMES = st.sampled_from([option.name for option in OPTIONS])
VALUES = PIECES | URLS | st.integers().map(str) | st.floats().map(str)
KEYS = st.builds("{}{}{}".format, PIECES, st.sampled_from(["", SECRET, "a" * 64]), PIECES)
ENVIRONS = st.builds(
    lambda any_ones, odd_ones: any_ones | odd_ones,
    st.dictionaries(NAMES, VALUES, max_size=3),
    # Where the secrets are: among all names these would hardly ever come.
    st.fixed_dictionaries({}, optional={"KEEPA_BASE_URL": URLS, "DATABASE_URL": URLS, "KEEPA_API_KEY": KEYS}),
)
LINES = PIECES | st.builds("{}{}{}".format, NAMES, st.sampled_from(["=", ": ", " ", " = ", ":="]), VALUES)


def loaded(environ, dotenv=None):
    try:
        settings = load_settings(environ, dotenv=dotenv)
    except ConfigError as error:
        return None, str(error)
    return settings, "\n".join(settings.notes)


def texts_in(settings):
    """Every text of the settings, secrets too."""
    values = [getattr(settings, name) for name in settings.__struct_fields__]
    return [one.reveal() if isinstance(one, Secret) else str(one) for one in values]


def judge(environ):
    settings, said = loaded(environ)
    said.encode()
    assert (settings is None) == said.startswith("the configuration has ")
    hidden = {option.name for option in OPTIONS if option.is_secret or isinstance(option.kind, HttpUrl)}
    shown = {word for name, text in environ.items() for word in (SECRET, OTHER) if word in text and name not in hidden}
    assert not {SECRET, OTHER} - shown & {word for word in (SECRET, OTHER) if word in said}
    if settings is not None:
        assert not [word for word in (SECRET, OTHER) if word in settings.keepa_base_url]
        for text in texts_in(settings):
            text.encode()  # what cannot be written anywhere is no setting


@given(ENVIRONS)
def test_any_settings_are_used_or_one_message_says_what_is_odd(environ):
    judge(environ)


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
def test_each_odd_sign_in_each_setting_is_used_or_told(name):
    for odd in ODD:
        for text in (odd, f"a{odd}b", f"http://h{odd}/", f"postgresql://h/d{odd}"):
            judge({name: text})


# With nothing else to be refused for, and among few names: what is used is looked at as well.
@given(st.sampled_from(["STATE_DIR", "SELECTIONS", "KEEPA_API_KEY"]), KEYS)
def test_any_text_alone_is_used_or_one_message_says_what_is_odd(name, text):
    judge({name: text})


@given(st.sampled_from(["KEEPA_BASE_URL", "DATABASE_URL"]), URLS)
def test_any_url_alone_is_used_or_one_message_says_what_is_odd(name, url):
    judge({name: url})


@given(st.lists(LINES, max_size=5))
def test_any_lines_are_settings_or_told_by_number(tmp_path_factory, lines):
    file = tmp_path_factory.mktemp("env") / ".env"
    file.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    _, said = loaded({}, file)
    said.encode()
    last = len(re.split("\r\n|\n|\r", "\n".join(lines)))
    assert all(1 <= int(number) <= last for number in re.findall(r"/\.env, line (\d+)", said))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_file_or_a_fault(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("env") / ".env"
    file.write_bytes(data)
    loaded({}, file)


@given(URLS)
def test_no_database_url_shows_what_is_secret_in_it(url):
    try:
        parts = dsn.read(Secret(url))
    except ConfigError as error:
        said = str(error) + dsn.shown(Secret(url))
        assert not {word for word in (SECRET, OTHER) if word in said}
        return
    secret = {word for word in (SECRET, OTHER) for text in parts.secrets if word in text}
    said = dsn.shown(Secret(url)) + str(parts.parameters)
    assert not {word for word in secret if word in said}


@given(PIECES | st.binary(max_size=60) | URLS)
@pytest.mark.parametrize("before", ["", "{", "https://api.keepa.com/deal?selection=", "https://keepa.com/#!deals/"])
def test_any_text_is_a_selection_or_a_fault(before, text):
    try:
        parse(before + text if isinstance(text, str) else before.encode() + text, name="any")
    except ConfigError as error:
        str(error).encode()
