"""Pin a profile before it becomes a recipe: commits of Hugging Face ids, contents of local folders, all options."""

import hashlib
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from udfs.experts.expert import ExpertSpec, Profile, expert_class
from udfs.storage.files import MissingFile
from udfs.storage.locations import is_s3

_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = "sha256:"


def pinned_profile(profile: Profile) -> Profile:
    """Return the profile with every slot pinned.

    Raises:
        ValueError: no such family, an unknown or bad option, or a model that is not pinned; the message names the slot.
    """
    slots: dict[str, ExpertSpec] = {}
    for slot in ("filter", "context", "depth"):
        try:
            slots[slot] = pinned(slot, getattr(profile, slot))
        except ValueError as error:
            raise ValueError(f"slot {slot}: {error}") from error
    return profile.model_copy(update=slots)


def pinned(slot: str, spec: ExpertSpec) -> ExpertSpec:
    """Return the spec as its recipe holds it.

    The revision of a local folder becomes the digest of its content, that of a Hugging Face id has to be a commit. All
    options are written out.

    Raises:
        ValueError: no such family, an unknown or bad option, or a model that is not pinned.
    """
    family = expert_class(slot, spec)
    return family.resolved(_with_revisions(spec))


def _with_revisions(spec: ExpertSpec) -> ExpertSpec:
    parts = {name: _with_revisions(part) for name, part in spec.parts.items()}
    return spec.model_copy(update={"parts": parts, "revision": _revision(spec)})


def _revision(spec: ExpertSpec) -> str:
    if spec.model == "none":
        return spec.revision
    local = _stored(spec.model) if is_s3(spec.model) else Path(spec.model)
    if local.is_dir() or local.is_file():
        digest = folder_digest(local) if local.is_dir() else file_digest(local)
        if spec.revision not in ("none", digest):
            raise ValueError(
                f"{spec.model} holds {digest} and the profile names revision {spec.revision!r}; "
                "leave `revision` out to use the current content."
            )
        return digest
    if find_spec("transformers") is None:
        raise ValueError(f"Model {spec.model} needs transformers; run `pip install 'spatiallake[experts]'`.")
    if not _COMMIT.fullmatch(spec.revision):
        raise ValueError(
            f"Model {spec.model} ({spec.family}) is not a local folder and its revision {spec.revision!r} is not a "
            f"commit, so the same profile could give other rows tomorrow; set `revision` to {_known_commit(spec)}."
        )
    return spec.revision


def _stored(uri: str) -> Path:
    # The copies are named by the digests that are made here.
    from udfs.experts.stored_weights import local_copy

    try:
        return local_copy(uri)
    except MissingFile as error:
        raise ValueError(str(error)) from error


def _known_commit(spec: ExpertSpec) -> str:
    """Return the commit that the cache holds for a branch or tag, else how to find it."""
    from huggingface_hub.constants import HF_HUB_CACHE

    branch = "main" if spec.revision == "none" else spec.revision
    reference = Path(HF_HUB_CACHE) / f"models--{spec.model.replace('/', '--')}" / "refs" / branch
    if reference.is_file():
        return f"{reference.read_text().strip()}, which is {branch!r} in the cache {HF_HUB_CACHE}"
    return f"the 40 hex digits that `hf models info {spec.model}` shows as `sha`"


def file_digest(path: Path) -> str:
    """Return the first 12 hex digits of the SHA-256 of a weights file, which pin it."""
    state = path.stat()
    return _file_digest(path, state.st_size, state.st_mtime_ns)[:12]


def folder_digest(folder: Path) -> str:
    """Return `sha256:` and the digest of the names and contents of a model's files; hidden files are ignored."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    total = hashlib.sha256()
    for path in files:
        name = path.relative_to(folder).as_posix()
        if not any(part.startswith(".") for part in name.split("/")):
            state = path.stat()
            total.update(f"{name}\0{_file_digest(path, state.st_size, state.st_mtime_ns)}\n".encode())
    return _DIGEST + total.hexdigest()


@cache
def _file_digest(path: Path, size: int, mtime_ns: int) -> str:
    """Return a file's SHA-256, read once per change: a run that follows a crawl asks repeatedly."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
