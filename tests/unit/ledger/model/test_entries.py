"""The entries of a book's lists: how long their names are, which numbers stand in files, and who holds them."""

from ctypes import sizeof

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.model import entries
from ledger.types import Owner

OWNERS = st.builds(Owner, st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1), st.integers(0, 2**64 - 1))
HELD = st.sampled_from((entries.LeaseState, entries.WaiterState))


def test_a_name_has_up_to_32_bytes():
    for state in (entries.TierState(), entries.ShapeState()):
        state.name = b"n" * 32
        assert state.name == b"n" * 32


def test_the_states_of_a_lease_keep_the_numbers_that_stand_in_files():
    assert (entries.RESERVED, entries.COMMITTED) == (1, 2)


@given(HELD, OWNERS, OWNERS)
def test_an_entry_names_the_owner_that_it_was_given_last(kind, first, last):
    entry = kind()
    entries.set_owner(entry, first)
    entries.set_owner(entry, last)
    assert entries.owner_of(entry) == last
    assert bytes(entry) != bytes(kind()), "it stands in the entry itself, which is what is stored"


@pytest.mark.parametrize(
    "kind", [entries.TierState, entries.ShapeState, entries.LeaseState, entries.WaiterState, entries.ClientState]
)
def test_an_entry_has_no_gap_that_a_checksum_would_not_know(kind):
    named = sum(getattr(kind, name).size for name, _ in kind._fields_)
    assert sizeof(kind) - named in (0, 4), "only the end of an entry may be filled up"
    ends = [getattr(kind, name).offset + getattr(kind, name).size for name, _ in kind._fields_]
    assert [getattr(kind, name).offset for name, _ in kind._fields_] == [0, *ends[:-1]]
