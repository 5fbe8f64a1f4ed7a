"""Keys born inside, certified by the root; a second ceremony touches nothing."""

from __future__ import annotations

import shutil
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from crypto import ceremony
from crypto.ceremony import CeremonyError, embedded_plan, load_pool_configs, run_ceremony
from crypto.config import ConfigError, HsmConfig
from crypto.keyfile import read_keys
from crypto.signer import SignRequest
from crypto.tokens import TokenRoom, create_softhsm_store
from verifier import sealing
from verifier.trust import Trust, certificate_kid

from .conftest import StartPool
from .stores import copy_bench, document_claims


def everything(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of each file."""
    return {
        str(path.relative_to(directory)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_a_second_ceremony_touches_nothing_and_takes_no_time(bench: Path) -> None:
    before = everything(bench)
    began = time.monotonic()
    result = run_ceremony(embedded_plan(bench, ["LIC", "CI"], authority="TEST-AUTHORITY"))
    assert time.monotonic() - began < 0.5
    assert result.made == ()
    assert everything(bench) == before


def test_each_hsm_has_a_key_of_its_own_for_each_usage(bench: Path) -> None:
    configs = load_pool_configs(bench)
    assert [c.name for c in configs] == ["hsm-a", "hsm-b"]
    assert all(set(c.keys) == {"LIC", "CI", "STATUS", "TEST"} for c in configs)
    kids = {key.kid for c in configs for key in c.keys.values()}
    assert len(kids) == 8


def test_verifiers_get_all_keys_but_the_test_keys(bench: Path) -> None:
    trust_list = Trust.load(bench / "trust").trust_list
    for config in load_pool_configs(bench):
        for usage, key in config.keys.items():
            entry = trust_list.find(key.kid)
            if usage == "TEST":
                assert entry is None
            else:
                assert entry is not None
                assert entry.usage == usage
                assert (bench / "trust" / "signers" / f"{key.kid.hex()}.pem").exists()


def test_the_root_certifies_and_openssl_sees_a_proper_chain(bench: Path) -> None:
    root = x509.load_pem_x509_certificate((bench / "trust" / "root.pem").read_bytes())
    signers = list((bench / "trust" / "signers").glob("*.pem"))
    assert len(signers) == 6
    for path in signers:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(root)
        assert path.stem == certificate_kid(certificate).hex()
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.digital_signature
        assert not usage.key_cert_sign
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert not constraints.value.ca


def test_secrets_are_for_the_owner_alone_and_differ(bench: Path) -> None:
    files = [*bench.rglob("pin"), *bench.rglob("so-pin")]
    assert len(files) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o400}
    assert len({path.read_text() for path in files}) == 6


async def test_a_moved_bench_signs_after_a_ceremony_that_makes_nothing(
    bench: Path, tmp_path: Path, start_pool: StartPool
) -> None:
    moved = copy_bench(bench, tmp_path / "moved")
    configs = load_pool_configs(moved)
    assert str(moved) in configs[0].pin_source
    pool = await start_pool(configs)
    signed = await pool.sign(SignRequest("r", "LIC", document_claims()))
    Trust.load(bench / "trust").trust_list.check(sealing.split(signed.cose))


def test_a_new_document_type_adds_keys_and_raises_the_version(bench: Path, tmp_path: Path) -> None:
    moved = copy_bench(bench, tmp_path / "moved")
    before = {c.name: dict(c.keys) for c in load_pool_configs(moved)}
    result = run_ceremony(embedded_plan(moved, ["LIC", "CI", "CIE"], authority="TEST-AUTHORITY"))
    assert result.made == ("hsm-a/CIE", "hsm-b/CIE", "trust-list")
    assert result.version == 2
    for config in load_pool_configs(moved):
        assert {u: k for u, k in config.keys.items() if u != "CIE"} == before[config.name]


def test_a_ceremony_that_was_cut_off_is_finished(bench: Path, tmp_path: Path) -> None:
    """Keys made, nothing recorded: the same keys are found and certified, none made again."""
    moved = copy_bench(bench, tmp_path / "moved")
    points = {u: k.point for u, k in load_pool_configs(moved)[0].keys.items()}
    (moved / "hsm" / "hsm-a" / "keys.json").unlink()
    tokens = moved / "hsm" / "hsm-a" / "tokens"
    before = set(tokens.rglob("*.object"))
    result = run_ceremony(embedded_plan(moved, ["LIC", "CI"], authority="TEST-AUTHORITY"))
    assert "root" not in result.made
    assert set(tokens.rglob("*.object")) == before
    assert {u: k.point for u, k in load_pool_configs(moved)[0].keys.items()} == points
    Trust.load(moved / "trust")


def test_signers_about_to_end_get_a_successor_and_stay_known(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = copy_bench(bench, tmp_path / "moved")
    old = {c.name: c.keys["LIC"] for c in load_pool_configs(moved)}
    monkeypatch.setattr(ceremony, "_RENEW_BEFORE", timedelta(days=3650))
    run_ceremony(embedded_plan(moved, ["LIC", "CI"], authority="TEST-AUTHORITY"))
    trust_list = Trust.load(moved / "trust").trust_list
    for config in load_pool_configs(moved):
        new = config.keys["LIC"]
        assert new.label == "LIC-2"
        assert new.point != old[config.name].point
        assert trust_list.find(old[config.name].kid) is not None
        assert trust_list.find(new.kid) is not None


def test_a_root_that_does_not_belong_to_its_token_stops_the_ceremony(
    bench: Path, tmp_path: Path
) -> None:
    moved = copy_bench(bench, tmp_path / "moved")
    shutil.rmtree(moved / "root")
    (moved / "trust" / "trust-list.cbor").unlink()
    with pytest.raises(CeremonyError, match="restore the token"):
        run_ceremony(embedded_plan(moved, ["LIC", "CI"], authority="TEST-AUTHORITY"))


def test_what_is_not_bound_to_the_hsm_is_refused(tmp_path: Path) -> None:
    """A key that came from outside (extractable) under the right label is not certified."""
    site = create_softhsm_store(tmp_path / "store", "tok")
    script = (
        "import pkcs11,sys;from pkcs11 import *;from pkcs11.util.ec import *;"
        "t=pkcs11.lib(sys.argv[1]).get_token(token_label='tok');"
        "s=t.open(rw=True,user_pin=open(sys.argv[2]).read().strip());"
        "d=s.create_domain_parameters(KeyType.EC,"
        "{Attribute.EC_PARAMS:encode_named_curve_parameters('secp256r1')},local=True);"
        "d.generate_keypair(mechanism=Mechanism.EC_KEY_PAIR_GEN,label='LIC-1',store=True,"
        "private_template={Attribute.EXTRACTABLE:True,Attribute.SENSITIVE:False})"
    )
    _in_child(script, site.module, site.pin_source, env=dict(site.env))
    with TokenRoom(site, tmp_path) as room:
        room.open()
        with pytest.raises(CeremonyError, match=r"not bound to this HSM .*EXTRACTABLE"):
            room.ensure_key("LIC-1")
        assert len(room.ensure_key("LIC-2")) == 65
        with pytest.raises(CeremonyError, match="33 bytes"):
            room.sign("LIC-2", bytes(33))


def _in_child(script: str, *arguments: str, env: dict[str, str]) -> None:
    import os
    import subprocess
    import sys

    subprocess.run([sys.executable, "-c", script, *arguments], env=os.environ | env, check=True)


def test_missing_or_broken_key_files_say_what_to_do(bench: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run the key ceremony"):
        load_pool_configs(tmp_path)
    broken = tmp_path / "hsm" / "hsm-a"
    broken.mkdir(parents=True)
    (broken / "keys.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"keys\.json cannot be read"):
        load_pool_configs(tmp_path)
    text = (bench / "hsm" / "hsm-a" / "keys.json").read_text()
    kid = load_pool_configs(bench)[0].keys["LIC"].kid.hex()
    (broken / "keys.json").write_text(text.replace(kid, "0" * 16))
    with pytest.raises(ConfigError, match="ValueError"):
        read_keys(broken)


def test_signing_periods_may_begin_earlier_for_benches(tmp_path: Path) -> None:
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    result = run_ceremony(embedded_plan(tmp_path, ["LIC"], names=["only"], begins=begins))
    key = result.keys["only"]["LIC"]
    assert key.certificate.not_valid_before_utc == begins
    assert isinstance(load_pool_configs(tmp_path)[0], HsmConfig)
