"""A language model in a GGUF file, run here by llama.cpp."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bakeoff import assets, environment
from bakeoff.errors import ConfigError, LLMError
from bakeoff.llm.base import Completion, LLMRequest
from bakeoff.llm.cache import Cache
from bakeoff.llm.session import Session, Terms
from bakeoff.llm.usage import budget_of
from bakeoff.llm.wire import Wire, connect
from bakeoff.llm.with_session import WithSession

MOST_LOGPROBS = 2_000
MAGIC = b"GGUF"
SPIN, TURNS = "GOMP_SPINCOUNT", "1000"
END = 1_048_576  # bytes hashed at each end of a file to identify it
SAMPLES, SAMPLE = 64, 65_536  # and samples in between, with their size

_servers: dict[tuple[Any, ...], Any] = {}
_starting = threading.Lock()


@dataclass(frozen=True)
class LlamaCpp(WithSession):
    """A GGUF file behind llama.cpp's own OpenAI-compatible server, on the loopback interface of this process.

    The server starts with the first request; all models of one process that ask for the same file with the same
    settings share it. What requests have in common at their beginning is read once.

    Args:
        path: of the file; None: ``asset``.
        asset: name of a pinned file, see ``bakeoff doctor``.
        context_tokens: for prompt and answer of each request.
        parallel: concurrent requests. On a few cores, more are no faster.
        threads: None: one for each core.
        temperature: 0 for greedy decoding.
        seed: for sampling, if the temperature is not 0.
        timeout_seconds: per request.
        retries: maximum retries of a failed request.
        max_calls: maximum number of requests.
        max_cost_usd: no effect, since local requests are free; present because other models have it.
        cache: on: replay earlier completions; refresh: send the request, and store the new completion; off.
    """

    path: str | None = None
    asset: str | None = "smollm2"
    context_tokens: int = 4096
    parallel: int = 1
    threads: int | None = None
    temperature: float = 0.0
    seed: int = 0
    timeout_seconds: float = 120.0
    retries: int = 2
    max_calls: int | None = None
    max_cost_usd: float | None = None
    cache: Literal["on", "refresh", "off"] = "on"

    @property
    def max_in_flight(self) -> int:
        """Maximum number of concurrent requests."""
        return self.parallel

    @property
    def supports_logprobs(self) -> bool:
        """True: llama.cpp returns log-probabilities."""
        return True

    @property
    def counts_exactly(self) -> bool:
        """True: the file holds the tokenizer."""
        return True

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each of n texts. Starts the server."""
        client = self._client(self._file())
        try:
            return [len(client.post("../tokenize", cast_to=dict, body={"content": text})["tokens"]) for text in texts]
        except Exception as error:
            raise LLMError(f"llm: llama.cpp cannot count tokens: {error}") from error

    def check(self) -> None:
        """Raise ``ConfigError`` if the file does not exist or is not GGUF."""
        if self.path is None and self.asset is None:
            raise ConfigError("llm.path: a GGUF file is needed. Add llm.path=…, or llm.asset=smollm2.")
        if self.path is None:
            return
        file = Path(self.path).expanduser()
        if not file.is_file():
            raise ConfigError(f"llm.path: there is no file {self.path} (looked from {Path.cwd()}).")
        with file.open("rb") as content:
            if content.read(len(MAGIC)) != MAGIC:
                raise ConfigError(f"llm.path: {self.path} is no GGUF file.")

    def complete(self, requests: Sequence[LLMRequest]) -> list[Completion]:
        """Complete n requests; completions are in request order. Raises ``LLMError`` when the file cannot be run."""
        self.check()
        return self._session().complete(requests)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Zero: a local model costs only machine time."""
        return 0.0

    def usage(self) -> Mapping[str, Any]:
        """Usage so far, with the file it went to."""
        return {"asked_for": self.path or self.asset, "server": "llama.cpp in this process", **self._usage.told()}

    def _file(self) -> Path:
        return Path(self.path).expanduser() if self.path is not None else assets.resolve(str(self.asset))

    def _new_session(self) -> Session:
        file = self._file()
        parameters = {"temperature": self.temperature, "seed": self.seed}
        identity = {"file": digest(file), "asked": parameters, "context": self.context_tokens}
        wire = Wire("llama.cpp", file.stem, "grammar", parameters, most_logprobs=MOST_LOGPROBS)
        return Session(
            Terms(
                identity,
                self.parallel,
                self.retries,
                self.cache,
                "Look at the file.",
                identify=lambda: str(identity["file"]),
            ),
            # The server names a model by its path, which is meaningless on other machines.
            lambda request: replace(wire.send(self._client(file), request), model=file.stem),
            lambda served, read, written: self.cost(read, written),
            budget_of(identity["file"], self.max_calls, self.max_cost_usd),
            self._usage,
            Cache(),
        )

    def _client(self, file: Path) -> Any:
        with self._lock:
            if "client" not in self._made:
                url = server(file, self.context_tokens, self.parallel, self.threads or environment.cores())
                self._made["client"] = connect(f"{url}/v1", "", self.timeout_seconds)
            return self._made["client"]


def server(file: Path, context_tokens: int, parallel: int, threads: int) -> str:
    """The address of a running server for a GGUF file, started if need be.

    Raises:
        LLMError: it does not start.
    """
    settings = (str(file), context_tokens, parallel, threads)
    with _starting:
        if settings not in _servers:
            xllamacpp = _library()
            parameters = xllamacpp.CommonParams()
            parameters.model.path = str(file)
            parameters.n_ctx = context_tokens * parallel  # the slots share it
            parameters.n_parallel = parallel
            parameters.cpuparams.n_threads = threads
            parameters.cpuparams_batch.n_threads = threads
            parameters.verbosity = -1
            try:
                _servers[settings] = xllamacpp.Server(parameters)
            except Exception as error:
                raise LLMError(f"llm: llama.cpp cannot run {file}: {error}") from error
        return str(_servers[settings].listening_address)


def _library() -> Any:
    """The library of llama.cpp, whose threads sleep soon when they wait for each other.

    By default they spin for so long that two programs on the same cores slow each other down 20 times and more; with
    this many turns it is 2 times, and one program alone is as fast. OpenMP reads the setting when it is loaded.
    """
    before = os.environ.get(SPIN)
    os.environ.setdefault(SPIN, TURNS)
    try:
        import xllamacpp
    finally:
        if before is None:
            del os.environ[SPIN]
    return xllamacpp


def digest(file: Path) -> str:
    """SHA-256 of a file's size, both ends and samples in between, so that gigabytes need not be read to identify it."""
    size = file.stat().st_size
    checksum = hashlib.sha256(str(size).encode())
    with file.open("rb") as content:
        checksum.update(content.read(END))
        for i in range(SAMPLES):
            content.seek(size * i // SAMPLES)
            checksum.update(content.read(SAMPLE))
        content.seek(max(0, size - END))
        checksum.update(content.read(END))
    return checksum.hexdigest()
