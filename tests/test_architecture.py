"""The import directions of the design, as a test: a room that reaches into another fails here."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = {"verifier", "crypto", "layouts", "printers", "firmware_sim", "issuer"}
# Who may import whom; "printers.codecs" rules below narrow what firmware_sim may take.
ALLOWED = {
    "verifier": set[str](),
    "layouts": set[str](),
    "printers": set[str](),
    "crypto": {"verifier"},
    "firmware_sim": {"printers"},
    "issuer": ROOMS - {"issuer"},
}
# Pure rooms of the issuer: no event loop, no SQL, no clock of their own.
PURE = [
    "issuer/domain.py",
    "issuer/rules.py",
    "issuer/admission*.py",
    "issuer/applications/[!f]*.py",  # files.py reads files
    "issuer/custody/*.py",
    "issuer/profile/*.py",
]
IMPURE = {"asyncio", "sqlalchemy", "aiohttp", "socket", "subprocess"}


def imports(path: Path) -> set[str]:
    """Absolute module names that a file imports (relative ones stay inside its room)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif (
            isinstance(node, ast.ImportFrom) and node.level > len(path.relative_to(ROOT).parts) - 1
        ):
            found.add("outside." + (node.module or ""))
    return found


def test_rooms_import_only_what_the_design_allows() -> None:
    wrong = []
    for room, allowed in ALLOWED.items():
        for path in (ROOT / room).rglob("*.py"):
            for name in imports(path):
                other = name.split(".")[0]
                if other in ROOMS - allowed - {room} or other in {"tests", "outside", "benchmarks"}:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_verifier_imports_are_relative_so_that_it_installs_alone() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "verifier").rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] == "verifier"
    ]
    assert not wrong, "\n".join(wrong)


def test_simulators_share_the_codecs_and_never_the_drivers() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "firmware_sim").rglob("*.py")
        for name in imports(path)
        if name.startswith("printers.") and not name.startswith("printers.codecs.")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_domain_is_pure() -> None:
    found = {pattern: sorted(ROOT.glob(pattern)) for pattern in PURE}
    assert not [pattern for pattern, paths in found.items() if not paths], "names no file any more"
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for paths in found.values()
        for path in paths
        for module in imports(path)
        if module.split(".")[0] in IMPURE
    ]
    assert not wrong, "\n".join(wrong)
