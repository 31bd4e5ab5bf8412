import check_buffers


def problems(body, name="src/table/a.c"):
    text = "static void work(struct vv_op *op, struct vv_buf *sql)\n{\n" + body + "}\n"
    return list(check_buffers.check_text(name, text))


def test_who_takes_texts_on_needs_no_question():
    assert problems("    vv_buf_add(sql, vv_buf_str(&name));\n") == []
    assert problems("    vv_jw_key_string(&json, \"a\", vv_buf_str(&name));\n") == []
    assert problems("    vv_fail(op, E, \"no %.*s\", VV_ARG(vv_buf_str(&name)));\n") == []


def test_others_ask():
    found = problems("    other(op, vv_buf_str(&name));\n")
    assert found == ["src/table/a.c:3: work: vv_buf_str(&name) without vv_buf_ok(&name)"]
    assert problems("    if (vv_buf_ok(&name))\n        other(op, vv_buf_str(&name));\n") == []
    assert problems("    if (vv_buf_ok(&other))\n        other(op, vv_buf_str(&name));\n") != []


def test_a_part_or_the_bytes_of_a_text_ask_too():
    assert problems("    vv_buf_add(sql, vv_str_skip(vv_buf_str(&name), 1));\n") != []
    assert problems("    vv_buf_adds(sql, vv_buf_str(&name).ptr);\n") != []
    assert problems("    vv_buf_addf(sql, \"%.*s\", VV_ARG(vv_buf_str(&name)));\n") != []
    assert problems("    struct vv_query query = {.sql = vv_buf_str(sql)};\n") != []


def test_the_bytes_are_taken_by_the_call_alone():
    assert problems("    first = sql->private_ptr[0];\n") != []
    assert problems("    first = sql->private_ptr[0];\n", "src/base/buf.c") == []
