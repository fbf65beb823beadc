"""EANs and UPCs: what is one, and what is a slip of the finger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.keepa.product_code import LENGTHS, check_digit, is_code, product_code

digits = st.sampled_from(sorted(LENGTHS)).flatmap(
    lambda count: st.text("0123456789", min_size=count - 1, max_size=count - 1)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4006381333931", "4006381333931"),
        (" 4 006381 333931 ", "4006381333931"),
        ("036000291452", "036000291452"),  # the UPC of Wikipedia's article
        ("978-0-306-40615-7", "9780306406157"),
        ("96385074", "96385074"),
        ("04006381333931", "4006381333931"),
    ],
)
def test_codes_are_read_as_they_are_printed(text, code):
    assert is_code(text)
    assert product_code(text) == code


@given(digits)
def test_what_has_its_check_digit_is_a_code_and_nine_other_ends_are_not(start):
    right = check_digit(start)
    for last in "0123456789":
        if last != right:
            with pytest.raises(ValueError, match=f"after {start} the last one would be {right}"):
                product_code(start + last)
    if len(start) < 13 or start[0] == "0":
        assert product_code(start + right) == (start + right)[-13:]
    else:
        with pytest.raises(ValueError, match="package of several"):
            product_code(start + right)


@given(digits, st.data())
def test_one_wrong_digit_is_always_noticed(start, data):
    code = start + check_digit(start)
    at = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from([one for one in "0123456789" if one != code[at]]))
    with pytest.raises(ValueError, match="a digit is wrong or missing"):
        product_code(code[:at] + wrong + code[at + 1 :])


@given(st.text("0123456789", min_size=11, max_size=11))
def test_a_upc_is_an_ean_with_a_zero_before_it(start):
    assert check_digit(start) == check_digit("0" + start)


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_a_sentence(text):
    try:
        code = product_code(text)
    except ValueError as error:
        said = str(error)
    else:
        assert is_code(text)
        assert len(code) in {8, 12, 13}
        said = "digits" if code.isdigit() else ""
    assert "digit" in said or "package" in said


def test_ten_digits_are_never_a_code():
    assert not is_code("0552990680")
    assert not is_code("١٢٣٤٥٦٧٨")
