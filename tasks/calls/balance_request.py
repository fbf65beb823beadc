"""The free request for the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.calls.arrived_reply import arrived, balance_in
from tasks.calls.spool_header import Origin
from tasks.errors import ApiError
from tasks.keepa.request import TokenRequest

if TYPE_CHECKING:
    from ledger import Reading
    from tasks.calls.exchange import Exchange


class BalanceRequest:
    """Asks for the balance of one worker's key, which costs no tokens."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def send(self) -> Reading:
        """What `/token` says; a refusal of it tells the balance as well. The call is recorded in any case.

        Raises:
            Transient: it says nothing.
            Forbidden: the server does not serve this key, or does not know the request.
        """
        request = TokenRequest()
        header = self._exchange.header(request, Origin(job="balance", domain=0))
        began_ns = self._exchange.begin(request.endpoint)
        try:
            reply = self._exchange.send(request)
            header = arrived(header, reply)
            reading, call = balance_in(reply, header)
        except ApiError as error:
            self._exchange.failed(header, error, began_ns)
            raise
        self._exchange.record(call)
        return reading
