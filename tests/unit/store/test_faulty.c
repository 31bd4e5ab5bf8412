#include "fixture.h"

TEST(faulty, refuses_the_call_with_the_number)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open(&fixture, KIND_FAULTY));
    fixture.plan.count = 5;
    put(&fixture, "a", "0"); /* with `at` 0 none fails */
    fixture.plan = (struct vv_fault_plan){.at = 2};
    put(&fixture, "a", "1");
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("a"), VV_STR("2")), VARVE_EIO);
    CHECK_STR(get(&fixture, "a"), "1");
    CHECK_INT(fixture.plan.calls, 3);

    fixture.plan.calls = 0;
    fixture.plan.at = 1;
    fixture.plan.count = 2;
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("a"), VV_STR("2")), VARVE_EIO);
    CHECK_FAILS(op, vv_store_put(op, fixture.store, VV_STR("a"), VV_STR("3")), VARVE_EIO);
    put(&fixture, "a", "4");
    CHECK_STR(get(&fixture, "a"), "4");
}

/* Each call once. The number of the one that fails is given by the plan. */
static varve_status call(struct fixture *fixture, int which)
{
    struct vv_op *op = &fixture->op;
    struct vv_store *store = fixture->store;
    struct vv_str out = VV_STR("untouched");
    struct vv_str file = VV_STR("staged");
    struct vv_object object = {.bytes = 77};
    struct vv_objects objects = {.len = 77};
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    size_t removed = 77;
    varve_status status = VARVE_OK;
    switch (which) {
    case 0:
        status = vv_store_get(op, store, &op->arena, VV_STR("a"), &out);
        break;
    case 1:
        status = vv_store_head(op, store, VV_STR("a"), &object);
        break;
    case 2:
        status = vv_store_put(op, store, VV_STR("p"), VV_STR("x"));
        break;
    case 3:
        status = vv_store_put_if_absent(op, store, VV_STR("i"), VV_STR("x"), 0, &outcome);
        break;
    case 4:
        status = vv_store_list(op, store, &op->arena, VV_STR(""), VV_STR_NONE, 0, &objects);
        break;
    case 5:
        status = vv_store_list_folders(op, store, &op->arena, VV_STR(""), &objects);
        break;
    case 6:
        status = vv_store_remove(op, store, VV_STR("r"));
        break;
    case 7:
        status = vv_store_sweep(op, store, VV_STR(""), 0, &removed);
        break;
    case 8:
        status = vv_store_stage(op, store, &op->arena, VV_STR("s"), &out);
        break;
    case 9:
        status = vv_store_publish(op, store, &file, 1);
        break;
    default:
        status = vv_store_fetch(op, store, &op->arena, VV_STR("a"), &out);
        break;
    }
    /* Outputs are written on success only. */
    if (status != VARVE_OK)
        CHECK(vv_str_eq(out, VV_STR("untouched")) && object.bytes == 77 && objects.len == 77 &&
              outcome == VV_PUT_EXISTS && removed == 77);
    return status;
}

TEST(faulty, fails_every_kind_of_call)
{
    static const struct {
        enum vv_fault_kind kind;
        varve_status create; /* the code of put_if_absent */
        bool happens;
    } cases[] = {
        {VV_FAULT_REFUSE, VARVE_EIO, false},
        {VV_FAULT_LOSE_REPLY, VARVE_EUNKNOWN, true},
        {VV_FAULT_IN_DOUBT, VARVE_EUNKNOWN, false},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture fixture = {0};
        struct vv_op *op = &fixture.op;
        REQUIRE(fixture_open(&fixture, KIND_FAULTY));
        put(&fixture, "a", "x");
        put(&fixture, "r", "x");
        REQUIRE(stage(&fixture, "staged", "x") != NULL);
        fixture.plan.kind = cases[i].kind;
        for (int which = 0; which <= 10; which++) {
            fixture.plan.calls = 0;
            fixture.plan.at = 1;
            CHECK_FAILS(op, call(&fixture, which), which == 3 ? cases[i].create : VARVE_EIO);
            CHECK_INT(fixture.plan.calls, 1);
        }
        fixture.plan.at = 0;
        CHECK_INT(get(&fixture, "p").ptr != NULL, cases[i].happens);
        CHECK_INT(get(&fixture, "i").ptr != NULL, cases[i].happens);
        CHECK_INT(get(&fixture, "r").ptr == NULL, cases[i].happens);
        CHECK_INT(get(&fixture, "staged").ptr != NULL, cases[i].happens);
        CHECK_INT(put_if_absent(&fixture, "i", "y"),
            cases[i].happens ? VV_PUT_EXISTS : VV_PUT_CREATED);
    }
}

TEST(faulty, passes_on_a_failure_that_is_none_of_its_own)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open(&fixture, KIND_FAULTY));
    fixture.plan.kind = VV_FAULT_LOSE_REPLY;
    fixture.plan.at = 1;
    struct vv_str out;
    CHECK_FAILS(op, vv_store_get(op, fixture.store, &op->arena, VV_STR("none"), &out),
        VARVE_ENOTFOUND);
}

struct seen {
    char text[256];
    size_t len;
};

static void note(void *data, const char *name, struct vv_str key)
{
    struct seen *seen = data;
    int len = snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%s(%.*s) ",
        name, VV_ARG(key));
    if (CHECK(len > 0))
        seen->len += (size_t)len;
}

TEST(faulty, tells_of_each_call_before_it_is_made)
{
    struct seen seen = {.len = 0};
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_op *op = &fixture.op;
    REQUIRE(fixture_open(&fixture, KIND_FAULTY));
    fixture.plan.before = note;
    fixture.plan.before_data = &seen;
    CHECK_INT(put_if_absent(&fixture, "log/0", "x"), VV_PUT_CREATED);
    CHECK_STR(get(&fixture, "log/0"), "x");
    struct vv_store *below = NULL;
    REQUIRE_OK(op, vv_store_at(op, fixture.store, VV_STR("log"), &below));
    CHECK_OK(op, vv_store_remove(op, below, VV_STR("0")));
    vv_store_close(&below);
    CHECK_STR(list(&fixture, "log", NULL, 0), "");
    CHECK_STR(seen.text, "put_if_absent(log/0) get(log/0) remove(0) list(log) ");
    CHECK_INT(fixture.plan.calls, 4);
}
