"""What is no NDJSON at all is told as what it is, at its first line."""

import bz2
import gzip
import lzma
import subprocess

import pytest

ROW = b'{"table":"signals","strategy_id":"a"}\n'


@pytest.mark.parametrize("content, words", [
    (gzip.compress(ROW), "the input is compressed: unpack it into a pipe, as in zcat FILE"),
    (bz2.compress(ROW), "as in bzcat FILE"),
    (lzma.compress(ROW), "as in xzcat FILE"),
    (b"PAR1\x15\x04\x15", "the input is Parquet: varve upsert reads that"),
    (b"ARROW1\0\0", "say --input-format arrow"),
    (b"timestamp,strategy_id\n2025-01-01,a\n", "of CSV say --input-format csv"),
    (b'[{"table":"signals"}]\n', "jq -c '.[]' makes lines of an array"),
    (b' \t[{"table":"signals"}]\n', "jq -c '.[]' makes lines of an array"),
], ids=["gzip", "bzip2", "xz", "Parquet", "Arrow", "CSV", "array", "array behind blanks"])
@pytest.mark.parametrize("table", [[], ["signals"]])
def test_the_input_is_another_one(market, content, words, table):
    done = subprocess.run([market.program, "--lake", market.lake, "ingest", *table], input=content,
                          capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert said.count(words) == 1, said
    assert "line 1: " in said.split(words, maxsplit=1)[0].split("\n")[-1]


@pytest.mark.parametrize("content", [
    b"{\n", b"hello\n", b'{"table":"none","a":1,"b":2}\n', b' \t{"table":"none","a":1,"b":2}\n', b"\na,b\n"])
def test_a_bad_line_is_just_that(market, content):
    done = subprocess.run([market.program, "--lake", market.lake, "ingest"], input=content,
                          capture_output=True, check=False, timeout=60)
    said = done.stderr.decode()
    assert "refused: " in said
    assert not [words for words in ("the input is", "say --input", "jq -c") if words in said], said
