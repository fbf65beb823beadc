"""The page's process: started by the first visitor, gone when nobody looks any more, and never what ends a run.

The supervisor keeps the listening socket for as long as it lives and never reads from it. While no process serves it, a
connection that waits there starts one, which takes it from the same queue: so whatever happens to the process, no
visitor is refused. While it serves, the report is written every second: the page knows by it that the supervisor lives.
One that reports nothing, because it is stuck or suspended, is killed as a worker is; one that has grown is replaced.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Final

from ledger import NS_PER_S
from supervisor.config.state_dir import web_token
from supervisor.config.web_settings import WebSettings, setting_rows
from supervisor.database.ledger_source import accounts_of
from supervisor.process.heartbeat import SERVING
from supervisor.process.launch import WebLaunch
from supervisor.process.restart_policy import Cause, Policy, RestartType
from supervisor.process.spec import WEB, Spec
from supervisor.process.states import Event, Stage, State
from supervisor.tree import recycling
from supervisor.tree.recycling import PAGE_LIMITS, PageLimits
from tasks.errors import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from supervisor.config.settings import Settings
    from supervisor.eventloop.loop import Loop, Timer
    from supervisor.logs.log import Log
    from supervisor.process.slot import Slot
    from supervisor.tree.supervisor import Supervisor

_WAITING_VISITORS: Final = 128
_REPORT_S: Final = 1.0
_HANG_S: Final = 15.0  # seven heartbeats that did not come
_AGAIN_S: Final = 30.0  # after a process whose next start would end the same way
# It has no place in the health of a run, so it may fail for ever; a few seconds of service are a new beginning.
_POLICY: Final = Policy(first_s=0.1, cap_s=30.0, stable_s=3.0, max_restarts=1_000_000)
_UNSERVED: Final = frozenset({State.WAITING, State.DONE})


class WebService:
    """Listens for visitors of one run, from `begin` to `close`."""

    def __init__(
        self,
        run: Supervisor,
        loop: Loop,
        log: Log,
        tell: Callable[[str], object],
        *,
        limits: PageLimits = PAGE_LIMITS,
    ) -> None:
        """Serve the page of `run`; `tell` shows a line to the person at the terminal, and to nobody else."""
        self._tell = tell
        self._limits = limits
        self._run = run
        self._loop = loop
        self._log = log
        self._listening: socket.socket | None = None
        self._slot: Slot | None = None
        self._settings: Settings | None = None
        self._is_watching = False
        self._report_timer: Timer | None = None

    def begin(self) -> None:
        """Listen on WEB_PORT; a port that cannot be opened is logged once, and the run goes on without the page."""
        settings = self._run.plan.settings
        port, address = settings.web_port, settings.web_address
        if port is None:
            return
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET  # noqa: PLR2004
        try:
            listening = socket.create_server((address, port), family=family, backlog=_WAITING_VISITORS)
        except OSError as error:
            why = plain(error) if error.errno is None else os.strerror(error.errno)
            self._log.warning(
                "web_port_unusable",
                port=port,
                message=f"no page: {address}:{port} cannot be opened ({why}); "
                "set WEB_PORT to a free port, or leave it empty to do without",
            )
            return
        self._listening = listening
        self._announce(listening)
        fd = listening.fileno()
        spec = Spec(
            role=WEB,
            slot=0,
            restart_type=RestartType.TRANSIENT,
            hang_s=_HANG_S,
            ready_s=settings.ready_s,
            stop_s=2.0,
            policy=_POLICY,
            pass_fds=(fd,),
            is_vital=False,
        )
        self._slot = self._run.tree.add_service(spec, self._launch(fd))
        self._run.listeners.append(self._check)
        self._check()

    def close(self) -> None:
        """Take no more visitors."""
        if self._listening is not None:
            self._loop.forget(self._listening.fileno())
            self._listening.close()

    def _announce(self, listening: socket.socket) -> None:
        """Say where the page is: to everybody without the token, and at the terminal with it."""
        host, port = listening.getsockname()[:2]
        is_v6 = listening.family is socket.AF_INET6
        if ipaddress.ip_address(host).is_unspecified:  # it listens on every address of this machine
            host = "::1" if is_v6 else "127.0.0.1"
        url = self._run.web_url = f"http://{f'[{host}]' if is_v6 else host}:{port}"
        try:
            token = web_token.read_or_make(self._run.plan.state.web_token)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            self._log.warning("web_token_unusable", message=f"nobody is let in to the page: web.token: {why}")
            return
        self._log.info("web", url=url, message=f"the page is at {url}; `sluicegate web` prints a link that lets you in")
        self._tell(f"the page: {web_token.link(url, token)}")

    def _launch(self, fd: int) -> WebLaunch:
        plan = self._run.plan
        settings = self._settings = plan.settings
        return WebLaunch(
            listening_fd=fd,
            settings=WebSettings(
                state_dir=str(plan.state.root),
                database_url=settings.database_url,
                accounts=accounts_of(plan),
                hosts=settings.web_hosts or (),
                has_control=settings.web_control == "on",
                is_synthetic=plan.is_synthetic,
                domains=settings.keepa_domains,
                selections=settings.loaded_selections,
                sources=settings.loaded_sources,
                watch_keys=tuple(one.key for one in settings.loaded_lists),
                rows=setting_rows(settings, settings.sources),
            ),
        )

    def _check(self) -> None:
        """Keep to what the run has come to; called when anything in it has changed."""
        slot, listening = self._slot, self._listening
        if slot is None or listening is None:
            return
        is_open = self._run.stage <= Stage.WORKING
        has_other_settings = self._run.plan.settings is not self._settings
        if is_open and has_other_settings and not self._run.orders.is_awaited:  # perhaps by a visitor of the page
            slot.launch = self._launch(listening.fileno())
            if slot.state in {State.STARTING, State.RUNNING}:
                slot.restart(Cause.RESTARTED)  # with its visitors: those that wait are served by the next one
        self._watch(wanted=is_open and slot.state in _UNSERVED)
        if is_open and slot.state is State.FAILED and self._report_timer is None:
            self._report_timer = self._loop.after(_AGAIN_S, self._try_again)
        if slot.state is State.RUNNING and self._report_timer is None:
            self._report_timer = self._loop.after(_REPORT_S, self._report)

    def _watch(self, *, wanted: bool) -> None:
        if self._listening is None or wanted == self._is_watching:
            return
        self._is_watching = wanted
        if wanted:
            self._loop.watch(self._listening.fileno(), self._visited)
        else:
            self._loop.forget(self._listening.fileno())

    def _visited(self) -> None:
        """Somebody waits: let them be served."""
        if self._slot is not None:
            self._slot.feed(Event.START if self._slot.state is State.WAITING else Event.RESTART)

    def _try_again(self) -> None:
        self._report_timer = None
        if self._slot is not None and self._slot.state is State.FAILED and self._run.stage <= Stage.WORKING:
            self._slot.feed(Event.RESTART)

    def _report(self) -> None:
        """Write the report, and again in a second while the page is served."""
        self._report_timer = None
        if self._slot is not None and self._slot.state is State.RUNNING and self._run.stage < Stage.OVER:
            self._run.write_report()
            self._replace_if_large(self._slot)
            self._report_timer = self._loop.after(_REPORT_S, self._report)
            self._check()

    def _replace_if_large(self, slot: Slot) -> None:
        if slot.pid is None or slot.ready_ns is None or slot.state is not State.RUNNING:
            return
        is_answering = slot.beat is not None and slot.beat.phase == SERVING
        served_s = (self._loop.now_ns() - slot.ready_ns) / NS_PER_S
        rss_mb = recycling.rss_bytes(slot.pid) / recycling.MB
        why = recycling.page_reason(rss_mb, served_s, is_answering=is_answering, limits=self._limits)
        if why is not None:
            self._log.info("recycled", role=WEB, slot=slot.spec.slot, pid=slot.pid, message=why)
            slot.restart(Cause.RECYCLED)
