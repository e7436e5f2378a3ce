"""A table is there whole or not at all, whoever writes it and however that ends."""

import json
import random
import shutil

import pyarrow as pa
import pytest
from counted import Counted, corpus, embedded, line

from bakeoff.retrieval import store
from bakeoff.retrieval.retrievers import BM25, Dense
from bakeoff.retrieval.store import Store

KILLED_BEFORE_READY = """
import pyarrow as pa
from bakeoff.retrieval.store import Store
def finish(table):
    os.kill(os.getpid(), signal.SIGKILL)
Store(PLACE).table("abc", lambda: pa.table({"n": [1, 2]}), finish)
"""


def rows():
    return pa.table({"n": [1, 2, 3]})


def names(place):
    import lancedb

    return sorted(lancedb.connect(str(place)).list_tables(limit=1000).tables)


def test_the_same_content_is_made_once(cache, tmp_path):
    made = []
    for _ in range(3):
        table, _ = Store(str(tmp_path / "s")).table("abc", rows, made.append)
    assert (len(made), table.count_rows()) == (1, 3)


def test_a_killed_writer_leaves_nothing_that_is_read_and_the_next_one_clears_it_up(cache, tmp_path, start):
    place = str(tmp_path / "s")
    process = start(KILLED_BEFORE_READY.replace("PLACE", repr(place)))
    process.communicate(timeout=60)
    assert process.returncode == -9
    assert len(names(place)) == 1, "half a table is there, or the test tests nothing"
    table, was_there = Store(place).table("abc", rows, lambda _: None)
    assert (was_there, table.count_rows()) == (False, 3)
    assert len(names(place)) == 2, "the table, and what says that it is there"


@pytest.mark.parametrize("part", ["ready", "ready/_versions", "ready/data"])
def test_a_folder_that_a_kill_left_empty_is_no_table(cache, tmp_path, part):
    folder = tmp_path / "s" / part.replace("ready", "abc_ready.lance")
    folder.mkdir(parents=True)
    for _ in range(2):
        table, _ = Store(str(tmp_path / "s")).table("abc", rows, lambda _: None)
        assert table.count_rows() == 3


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_processes_that_write_the_same_at_the_same_time_agree(cache, tmp_path, start, scheme):
    place, log = f"{scheme}{tmp_path / 's'}", tmp_path / "log"  # a URL has no lock, as in an object store
    program = f"""
index = Dense(Counted({str(log)!r}, 0.002), store={place!r}).index(corpus(60))
print(json.dumps([index.details()["reused"], [h.passage.id for h in index.search(["topic3", "topic5"], 3)[0]]]))
"""
    processes = [start(program) for _ in range(3)]
    told = [json.loads(process.communicate(timeout=90)[0]) for process in processes]
    assert len({str(found) for _, found in told}) == 1
    assert sum(name.endswith("_ready") for name in names(place)) == 1
    if not scheme:
        assert len(names(place)) == 2
        assert sorted(reused for reused, _ in told) == [False, True, True]
        passages = {line(text) for text in corpus(60).documents["text"]}
        assert sum(one in passages for one in embedded(log)) == 60, "who waits for another embeds nothing"


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 0.35, 0.5, 0.7, 0.9, 1.2])
def test_a_kill_at_any_moment_does_no_harm(cache, tmp_path, start, seconds):
    place = str(tmp_path / "s")
    program = f"""
import lancedb
print("ready", flush=True)
BM25(store={place!r}).index(corpus(3000))
Dense(Counted({str(tmp_path / "log")!r}), store={place!r}, kind="ivf_flat").index(corpus(3000))
print("done", flush=True)
"""
    process = start(program)
    assert process.stdout.readline() == "ready\n"
    try:
        process.wait(seconds)
    except Exception:
        process.kill()
    embedder = Counted(str(tmp_path / "log"))
    assert BM25(store=place).index(corpus(3000)).search(["document 2718"], 1)[0][0].passage.id == "d2718#0"
    index = Dense(embedder, store=place, kind="ivf_flat").index(corpus(3000))
    assert index.search(["Document 31 speaks of topic3."], 1)[0][0].passage.id == "d31#0"
    assert len(names(place)) == 4


def test_an_index_is_found_again_by_what_is_in_it(cache, tmp_path):
    place = str(tmp_path / "s")
    BM25(store=place).index(corpus(10))
    BM25(store=place, top_k=9, where="id <> 'd1'").index(corpus(10))
    assert len(names(place)) == 2
    BM25(store=place, stem=False).index(corpus(10))
    BM25(store=place).index(corpus(10, changed=1))
    BM25(store=place).index(corpus(10, year=2020))
    assert len(names(place)) == 8, "other words, another text, other metadata"


def test_nothing_is_written_elsewhere_when_a_store_is_named(cache, tmp_path):
    BM25(store=str(tmp_path / "s")).index(corpus(10))
    assert not (cache / "indexes").exists()
    assert any((tmp_path / "s").iterdir())


def flip(file):
    content, generator = bytearray(file.read_bytes()), random.Random(file.name)
    for _ in range(3):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("pattern", ["data/*.lance", "_versions/*", "_transactions/*"])
@pytest.mark.parametrize("damage", ["flipped", "truncated", "deleted"])
def test_a_damaged_index_is_built_again_and_said(cache, tmp_path, caplog, damage, pattern):
    place = tmp_path / "s"
    sound = Store(str(place)).table("abc", rows, lambda _: None)[0].to_arrow()
    for i, table in enumerate(sorted(place.glob("abc_*.lance"))):
        copy = shutil.copytree(place, tmp_path / f"copy{i}")
        files = sorted((copy / table.name).glob(pattern))
        assert files
        for file in files:
            if damage == "flipped":
                flip(file)
            elif damage == "truncated":
                file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
            else:
                file.unlink()
        store._opened.clear()
        store._connected.cache_clear()
        caplog.clear()
        again = Store(str(copy)).table("abc", rows, lambda _: None)[0].to_arrow()
        assert again == sound
        store._opened.clear()
        _, was_there = Store(str(copy)).table("abc", rows, lambda _: None)
        assert was_there
        if not table.name.endswith("_ready.lance"):
            assert "an index is damaged" in caplog.text
