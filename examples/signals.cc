// The same from C++: signals in a vector, and the errors as an exception.
//
//     c++ signals.cc $(pkg-config --cflags --libs varve) -o signals && ./signals my-lake

#include <varve/market.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

struct Error : std::runtime_error {
    explicit Error(const varve_error &error)
        : std::runtime_error(error.message), code(error.code), retryable(error.retryable != 0)
    {
    }
    int code;
    bool retryable;
};

struct Close {
    void operator()(varve_lake *lake) const { varve_lake_close(lake); }
    void operator()(varve_table *table) const { varve_table_close(table); }
    void operator()(varve_signal *rows) const { varve_free(rows); }
};

// Runs a call of the library with an error object behind its arguments.
template <typename Call> void check(Call call)
{
    varve_error error;
    if (call(&error) != VARVE_OK)
        throw Error(error);
}

void run(const char *folder)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    options.create = 1;
    varve_lake *opened = nullptr;
    check([&](varve_error *err) { return varve_lake_open(folder, &options, &opened, err); });
    std::unique_ptr<varve_lake, Close> lake(opened);
    check([&](varve_error *err) { return varve_lake_init(lake.get(), nullptr, nullptr, err); });
    varve_table *signals = nullptr;
    check([&](varve_error *err) { return varve_table_open(lake.get(), "signals", &signals, err); });
    std::unique_ptr<varve_table, Close> table(signals);

    std::vector<varve_signal> batch(3, varve_signal VARVE_SIGNAL_INIT);
    for (std::size_t i = 0; i < batch.size(); i++) {
        batch[i].timestamp = INT64_C(1738247400000000) + static_cast<int64_t>(i) * 60000000;
        batch[i].strategy_id = "iron_condor_1";
        batch[i].signal_type = "ml_entry";
        batch[i].signal_value = 0.7 + 0.1 * static_cast<double>(i);
    }
    varve_upsert_result result{};
    check([&](varve_error *err) {
        return varve_table_upsert_signals(
            table.get(), batch.data(), batch.size(), nullptr, &result, err);
    });
    std::printf("%lld signals written\n", static_cast<long long>(result.rows_written));

    batch[0].signal_value = 7; // not from 0 to 1
    try {
        check([&](varve_error *err) {
            return varve_table_upsert_signals(
                table.get(), batch.data(), batch.size(), nullptr, &result, err);
        });
    } catch (const Error &error) {
        std::printf("refused with code %d, nothing was written\n", error.code);
    }

    ArrowArrayStream stream{};
    check([&](varve_error *err) {
        return varve_lake_query(lake.get(),
            "FROM signals WHERE signal_value > 0.75 ORDER BY signal_value", nullptr, &stream, err);
    });
    varve_signal *found = nullptr;
    std::size_t len = 0;
    check([&](varve_error *err) { return varve_read_signals(&stream, &found, &len, err); });
    std::unique_ptr<varve_signal, Close> rows(found);
    for (std::size_t i = 0; i < len; i++)
        std::printf("%s %.1f\n", rows.get()[i].strategy_id, rows.get()[i].signal_value);
}

} // namespace

int main(int argc, char **argv)
{
    try {
        run(argc > 1 ? argv[1] : "lake");
    } catch (const Error &error) {
        std::fprintf(stderr, "signals: %s\n", error.what());
        return error.code;
    }
    return 0;
}
