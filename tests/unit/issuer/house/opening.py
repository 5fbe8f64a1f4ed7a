"""Puts the house together and stocks it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from issuer import stockroom
from issuer.clock import Clock
from issuer.composing import Composer
from issuer.config import DeviceSection
from issuer.domain import Reason
from issuer.lanes import LaminatorPlace, Laminators, Lane
from issuer.profile import Profile
from issuer.services import Heartbeat, Services, boot_seconds
from issuer.store import devices, numbers
from issuer.store.engine import Store
from issuer.trust import TrustKeeper

from .building import CUSTODIAN, LEASE_S, HandClock, House
from .machines import ScriptedLaminator, ScriptedPrinter
from .people import DAY, OFFICE, Outsiders
from .signing import SharedPool, Switched

LIST_SIZE = 1 << 12


def lane_of(printer: ScriptedPrinter, *types: str) -> Lane:
    """A lane over a scripted printer."""
    section = DeviceSection(name=printer.name, model="scripted", url="", documents=types)
    lane = Lane(section, printer, types)
    lane.owned = True
    return lane


def build(
    store: Store, profile: Profile, composer: Composer, pool: SharedPool, trust_dir: Path
) -> House:
    """A house with a licence printer, one for identity cards, a plastifier and the files' lane."""
    time, people, signer = HandClock(), Outsiders(), Switched(pool)
    clock = Clock(profile.timezone, DAY, time)
    heartbeat = Heartbeat(LEASE_S)
    heartbeat.renewed(boot_seconds())
    printers = {
        "lic-1": ScriptedPrinter("lic-1"),
        "ci-1": ScriptedPrinter("ci-1", supplies=(), canvas=(0, 0)),
    }
    laminator = ScriptedLaminator("pouch-1")
    place = LaminatorPlace(
        DeviceSection(name="pouch-1", model="scripted", url="", documents=("CI",)), laminator
    )
    files = DeviceSection(name="files", model="files", url="", documents=("CERTQR",))
    lanes = {
        "lic-1": lane_of(printers["lic-1"], "LIC"),
        "ci-1": lane_of(printers["ci-1"], "CI"),
        "files": Lane(files, None, ("CERTQR",)),
    }
    stopped: dict[str, Reason] = {}
    points: list[str] = []

    def stop(name: str, reason: Reason) -> None:
        stopped[name] = lanes[name].stopped = reason

    services = Services(
        store=store,
        profile=profile,
        signer=signer,
        trust=TrustKeeper.load(trust_dir, profile, store, signer, clock),
        composer=composer,
        clock=clock,
        outside=people.outside(),
        owner="test-daemon",
        heartbeat=heartbeat,
        durable=points.append,
        stop_lane=stop,
    )
    places = Laminators({"pouch-1": place})
    return House(
        services, lanes, printers, laminator, places, people, signer, time, stopped, points
    )


async def open_house(house: House) -> None:
    """Rows of the machines, a status list, and the morning's stock: blanks, rolls, pouches."""

    def prepare(conn: Connection) -> None:
        for lane in house.lanes.values():
            devices.ensure(
                conn, name=lane.name, office=OFFICE, role="printer", model=lane.section.model
            )
        devices.ensure(conn, name="pouch-1", office=OFFICE, role="laminator", model="scripted")
        numbers.open_status_list(conn, OFFICE, size=LIST_SIZE)

    at = house.services
    await house.store.run(prepare)
    await at.trust.publish(everything=True)
    await house.load("lic-1", "PVC-LIC", [f"LA{n:08d}" for n in range(1, 6)])
    await house.load("ci-1", "CI-PAPELETA", [f"CP{n:08d}" for n in range(1, 4)])
    for material in house.printers["lic-1"].supplies:
        await stockroom.load_roll(at, CUSTODIAN, "lic-1", material, f"lic-1-{material}", 500)
    await stockroom.receive_counted(at, CUSTODIAN, "POUCH", 10, "P-1", "AV-2/2")
