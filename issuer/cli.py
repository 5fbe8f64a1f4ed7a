"""``fedatario``: one command for operators, benches and verifiers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from issuer.config import ConfigError

EPILOG = """\
Start here:
  fedatario demo --out out            a day at an office, end to end, on simulated machines
  fedatario serve                     the same bench with its pages; prints address and sign-in
  fedatario verify --trust out/trust out/documents/LIC/*/back.png
  fedatario doctor --config FILE      checks everything that a daemon needs, says the remedy
  fedatario run --config FILE         the daemon of an office (see issuer/fedatario.example.toml)
  fedatario sim printer --help        a simulated machine alone, for any client
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # These two have parsers of their own, in their own rooms.
    if arguments[:1] == ["sim"]:
        from firmware_sim.cli import main as sim

        return sim(arguments[1:])
    if arguments[:1] == ["verify"]:
        from verifier.cli import main as verify

        return verify(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        return int(options.call(options))
    except _expected() as error:
        sys.stderr.write(f"fedatario: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _expected() -> tuple[type[Exception], ...]:
    """Errors whose message is meant for the person at the terminal."""
    from crypto.ceremony import CeremonyError
    from crypto.signer import SigningError
    from issuer.profile import ProfileError
    from issuer.store.errors import StoreError
    from issuer.trial.bench import BenchError
    from verifier.errors import VerificationError

    return (
        BenchError, CeremonyError, ConfigError, ProfileError, SigningError, StoreError,
        VerificationError,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fedatario",
        description="Document issuance and secure-credential printing around HSM signing.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="a day at an office, end to end")
    demo.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR")
    demo.add_argument("--lose-hsm", action="store_true", help="kill one HSM on the way")
    _bench(demo)
    demo.set_defaults(call=_demo)
    serve = commands.add_parser("serve", help="the bench with its pages, on loopback")
    serve.add_argument("--port", type=int, default=8440)
    _bench(serve)
    serve.set_defaults(call=_serve)
    run = commands.add_parser("run", help="the daemon of an office")
    _config(run)
    run.set_defaults(call=_run)
    doctor = commands.add_parser("doctor", help="checks what a daemon needs; says the remedy")
    _config(doctor)
    doctor.set_defaults(call=_doctor)
    hsm = commands.add_parser("hsm", help="embedded HSMs: create, status, clear a PIN latch")
    hsm.add_argument("act", choices=["create", "status", "clear-latch"])
    hsm.add_argument("name", nargs="?", help="clear-latch: the HSM")
    _config(hsm)
    hsm.set_defaults(call=_hsm)
    for name, text in (("sim", "a simulated machine"), ("verify", "verify texts, pictures, PDFs")):
        commands.add_parser(name, help=text, add_help=False)
    return parser


def _bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bench", type=Path, default=Path("var"), metavar="DIR",
        help="where the bench keeps its HSM stores between runs",
    )  # fmt: skip


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=Path("fedatario.toml"), metavar="FILE")


def _demo(options: argparse.Namespace) -> int:
    from issuer.trial.demo import run_demo

    return run_demo(options.out, options.bench.resolve(), lose_hsm=options.lose_hsm)


def _serve(options: argparse.Namespace) -> int:
    from issuer.trial.serve import run_serve

    return run_serve(options.bench.resolve(), options.port)


def _run(options: argparse.Namespace) -> int:
    from issuer.running import run_daemon

    return run_daemon(options.config)


def _doctor(options: argparse.Namespace) -> int:
    from issuer.doctor import run_doctor

    return run_doctor(options.config)


def _hsm(options: argparse.Namespace) -> int:
    from issuer.hsm_command import run_hsm

    return run_hsm(options.config, options.act, options.name)


if __name__ == "__main__":
    raise SystemExit(main())
