"""Orders as forms: what an order does is shown before it is given, with the numbers that it is about.

Those numbers travel with the form. When they are not so any more nothing is done, and the visitor is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supervisor.control import protocol
from supervisor.web.now_view import BRAKE
from supervisor.web.page import Changed, Moved, NotHere, Page, Refusal
from supervisor.web.views import writing
from tasks.errors import EXIT_OK, EXIT_TRY_LATER, NoRows
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from supervisor.config.web_settings import SettingRow
    from supervisor.report import ChildRecord, Report
    from supervisor.web.page import Visit
    from tasks.roles import Role

_ALL: Final = "all"
_COUNTS: Final = {role: f"{role.upper()}_WORKERS" for role in ROLES}


class Preview(NamedTuple):
    """An order before it is given.

    Attributes:
        order: as it would be typed.
        effect: what it does, in a sentence.
        seen: the number or the value that it is about, which must not have changed when it is given.
        fields: what the form sends, by name.
        value: the value of the one field that a person fills in; None when there is none.
    """

    order: str
    effect: str
    seen: str
    fields: Mapping[str, str]
    value: str | None = None
    accepted: str = ""


def _report(visit: Visit) -> Report:
    last = visit.run.look().status.report
    if last is None:
        raise Refusal("the supervisor has not reported yet: try again in a second")
    return last


def _role(visit: Visit) -> Role:
    role = visit.form.get("role") or visit.query.get("role", "")
    for known in ROLES:
        if known == role:
            return known
    raise Refusal(f"there is no role {role!r}; there are {', '.join(ROLES)} and, to pause and resume, {_ALL}")


def _roles(visit: Visit) -> tuple[str, tuple[Role, ...]]:
    """What the roles of a pause are called, and which they are."""
    is_all = (visit.form.get("role") or visit.query.get("role", "")) == _ALL
    return (_ALL, ROLES) if is_all else ((role := _role(visit)), (role,))


def _worker(visit: Visit) -> ChildRecord:
    name = visit.form.get("worker") or visit.query.get("worker", "")
    for one in _report(visit).workers:
        if one.name == name:
            return one
    raise NotHere(f"there is no worker {name!r}: Now lists those there are")


def _setting(visit: Visit) -> SettingRow:
    name = visit.form.get("name") or visit.query.get("name", "")
    for row in visit.settings.rows:
        if row.name == name:
            if not row.can_change:
                raise Refusal(f"{name} cannot change during a run: set it in .env and start again")
            return row
    raise NotHere(f"there is no setting {name!r}: Settings lists those there are")


def _count(visit: Visit, roles: Sequence[Role]) -> int:
    return sum(one.role in roles for one in _report(visit).workers)


def _pause(visit: Visit) -> Preview:
    name, roles = _roles(visit)
    count = _count(visit, roles)
    which = "" if name == _ALL else f"{name} "
    effect = f"Stops {count} {which}worker{'' if count == 1 else 's'} once the calls under way are finished."
    others = "" if name == _ALL else " The other workers go on."
    until = f"They stay stopped until `resume`, even if the supervisor starts again.{others}"
    return Preview(f"pause {name}", f"{effect} {until}", str(count), {"role": name})


def _resume(visit: Visit) -> Preview:
    name, roles = _roles(visit)
    held = [one.why for one in _report(visit).conditions if one.kind == BRAKE]
    effect = "Starts all workers again." if name == _ALL else f"Starts the {name} workers again."
    effect += " Releases the brake on calls, of whatever worker" + (
        f": {'; '.join(held)}" if held else ", if there is one"
    )
    return Preview(f"resume {name}", f"{effect}.", str(_count(visit, roles)), {"role": name})


def _restart(visit: Visit) -> Preview:
    one = _worker(visit)
    effect = f"Replaces the process {one.pid} of {one.name} by a fresh one; the call under way is finished first."
    return Preview(f"restart {one.name}", effect, str(one.pid), {"worker": one.name})


def _retry(visit: Visit) -> Preview:
    one = _worker(visit)
    effect = f"Starts {one.name} again, which is {one.state}, and resets its failures."
    return Preview(f"retry {one.name}", effect, one.state, {"worker": one.name})


def _scale(visit: Visit) -> Preview:
    role = _role(visit)
    count = _count(visit, (role,))
    effect = f"Changes how many {role} workers there are, now {count}, until the supervisor ends."
    return Preview(f"scale {role}", effect, str(count), {"role": role}, value=str(count), accepted="0 to 16")


def _set(visit: Visit) -> Preview:
    row = _setting(visit)
    effect = f"Overrides {row.name}, {row.meaning}; until the supervisor ends. An empty value ends the override."
    shown = "" if row.is_secret else row.value
    return Preview(f"set {row.name}", effect, row.value, {"name": row.name}, value=shown, accepted=row.accepted)


def _reload(_visit: Visit) -> Preview:
    effect = "Reads .env and the selection files again and starts failed workers again; if there is a fault in them, "
    return Preview("reload", effect + "nothing changes.", "", {})


def _order(name: str, visit: Visit, by: str) -> protocol.Order:
    value = visit.form.get("value", "").strip()
    order: protocol.Order = protocol.Reload(by=by)
    match name:
        case "pause":
            order = protocol.Pause(roles=_roles(visit)[1], by=by)
        case "resume":
            order = protocol.Resume(roles=_roles(visit)[1], by=by)
        case "restart":
            order = protocol.Restart(worker=_worker(visit).name, by=by)
        case "retry":
            order = protocol.Retry(worker=_worker(visit).name, by=by)
        case "scale":
            order = protocol.Set(settings={_COUNTS[_role(visit)]: value}, by=by)
        case "set":
            order = protocol.Set(settings={_setting(visit).name: value}, by=by)
        case _:
            pass
    return order


_PREVIEWS: Final[dict[str, Callable[[Visit], Preview]]] = {
    "pause": _pause,
    "resume": _resume,
    "restart": _restart,
    "retry": _retry,
    "scale": _scale,
    "set": _set,
    "reload": _reload,
}


def _preview(visit: Visit) -> tuple[str, Preview]:
    name = visit.path["name"]
    make = _PREVIEWS.get(name)
    if make is None:
        raise NotHere(f"there is no order {name!r}; there are {', '.join(_PREVIEWS)}")
    return name, make(visit)


def _data(visit: Visit) -> Mapping[str, Any]:
    if not visit.settings.has_control:
        raise Refusal("WEB_CONTROL is off: this page takes no orders")
    name, preview = _preview(visit)
    return {"name": name, "preview": preview}


def _act(visit: Visit) -> Moved:
    """Give the order, unless what the form showed is not so any more.

    Raises:
        Changed: it is not.
        Refusal: the supervisor refuses it, or does not answer.
    """
    name, preview = _preview(visit)
    if visit.form.get("seen", "") != preview.seen:
        raise Changed(
            f"nothing was done: the form was about {visit.form.get('seen') or 'nothing'!r} and it is {preview.seen!r} "
            "by now; go back, load the page again and look"
        )
    order = _order(name, visit, f"web {visit.session[:8]}")
    answer = visit.deliver(order)
    if isinstance(answer, protocol.NotGiven) or answer.code not in {EXIT_OK, EXIT_TRY_LATER}:
        raise Changed(answer.words)
    if name == "resume":
        _release_brakes(visit)
    return Moved("/events")


def _release_brakes(visit: Visit) -> None:
    """Release the brakes on calls too, as `sluicegate resume` does, and have Events say which those were."""
    from tasks.store import brakes

    try:
        with writing.writing(visit) as conn, conn.transaction():
            kinds = brakes.release_brakes(conn)
    except NoRows:
        return  # without a database there is no brake either
    if kinds:
        writing.note(visit, "release the brake on calls", f"calls go on: {', '.join(kinds)}")


PAGES: Final = (
    Page(
        path="/orders/{name}",
        title="Order",
        template="order.html",
        data=_data,
        actions={"/orders/{name}": _act},
        in_navigation=False,
    ),
)
