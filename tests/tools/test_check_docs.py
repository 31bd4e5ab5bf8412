import check_docs

HEADER = """
#define VARVE_OK 0
#define VARVE_EIO 8     /* the storage failed */
#define VARVE_ERROR_MESSAGE_BYTES 640
"""
SOURCE = 'case VARVE_OK:\n        return "OK";\n    case VARVE_EIO:\n        return "IO";\n'
MANUAL = "# Errors\n## 0 OK (`VARVE_OK`)\nfine\n## 8 IO (`VARVE_EIO`)\nbad\n"


def test_codes_that_agree_are_accepted():
    assert list(check_docs.check_codes(HEADER, SOURCE, MANUAL)) == []


def test_a_code_without_a_section_is_found():
    more = HEADER + "#define VARVE_ELIMIT 9 /* too much */\n"
    problems = list(check_docs.check_codes(more, SOURCE, MANUAL))
    assert problems == ["docs/errors.md lacks the heading: ## 9 FAILED (`VARVE_ELIMIT`)"]


def test_a_section_without_a_code_or_with_another_number_is_found():
    problems = list(check_docs.check_codes(HEADER, SOURCE, MANUAL.replace("## 8", "## 7")))
    assert len(problems) == 2
    assert "lacks the heading: ## 8 IO" in problems[0]
    assert "no such code: ## 7 IO" in problems[1]


def test_a_header_that_cannot_be_read_is_a_problem():
    assert "no status code" in next(iter(check_docs.check_codes("", "", "")))


def test_links_lead_somewhere(tmp_path):
    (tmp_path / "b.md").write_text("")
    text = "[b](b.md) [b](b.md#part) [far](https://example.org/x) [c](c.md)\n```\n[d](d.md)\n```\n"
    path = tmp_path / "a.md"
    assert list(check_docs.check_links(path, text)) == ["a.md: the link to c.md leads nowhere"]


def test_records_are_numbered_without_a_gap():
    assert list(check_docs.check_records(["0001-a.md", "0002-b-c.md"])) == []
    assert "0002 is missing" in next(check_docs.check_records(["0001-a.md", "0003-b.md"]))
    assert "taken twice" in next(check_docs.check_records(["0001-a.md", "0001-b.md"]))
    assert "NNNN" in next(check_docs.check_records(["first.md"]))


def test_layers_are_the_same_everywhere():
    layers = ", ".join(
        f"'{layer}'" for layer in check_docs.check_layers.BELOW if layer not in ("cli", "server")
    )
    assert list(check_docs.check_layer_list(f"layers = [{layers}]\n")) == []
    assert list(check_docs.check_layer_list("layers = ['store', 'base']\n")) != []
