"""The signature of a webhook, against the example of the specification."""

from tasks.notify.signature import headers
from tasks.secret import Secret


def test_it_is_the_one_of_the_specification():
    # Standard Webhooks 1.0, "Verifying webhook authenticity", the example of its reference libraries.
    found = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    )
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_without_a_secret_there_is_none():
    assert "webhook-signature" not in headers("a", 1, b"", Secret(""))
