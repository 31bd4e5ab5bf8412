// Several strategies in threads of their own, one writer: puts come from any thread.
//
//     c++ -pthread writer_bot.cc $(pkg-config --cflags --libs varve) -o writer_bot && ./writer_bot my-lake

#include <varve/writer.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int64_t opening_us = INT64_C(1738247400000000); // 2025-01-30T14:30:00Z
constexpr int strategies = 4;
constexpr int minutes = 390;

struct Error : std::runtime_error {
    explicit Error(const varve_error &error)
        : std::runtime_error(error.message), code(error.code), retryable(error.retryable != 0)
    {
    }
    int code;
    bool retryable;
};

// Runs a call of the library with an error object behind its arguments.
template <typename Call> void check(Call call)
{
    varve_error error;
    if (call(&error) != VARVE_OK)
        throw Error(error);
}

struct CloseLake {
    void operator()(varve_lake *lake) const { varve_lake_close(lake); }
};

// Flushes when it is told to; what it could not flush is in the spool, for the next one.
class Writer {
public:
    explicit Writer(varve_lake *lake)
    {
        varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
        check([&](varve_error *err) { return varve_writer_open(lake, &options, &writer_, err); });
    }
    ~Writer() { varve_writer_abandon(writer_); }
    Writer(const Writer &) = delete;
    Writer &operator=(const Writer &) = delete;

    void put(const varve_performance &row)
    {
        check([&](varve_error *err) {
            return varve_writer_put_performance(writer_, &row, nullptr, err);
        });
    }
    void flush()
    {
        check([&](varve_error *err) { return varve_writer_flush(writer_, -1, err); });
    }
    varve_writer_stats stats() const
    {
        varve_writer_stats stats{};
        varve_writer_get_stats(writer_, &stats);
        return stats;
    }

private:
    varve_writer *writer_ = nullptr;
};

void trade(Writer &writer, int strategy)
{
    const std::string name = "strategy_" + std::to_string(strategy);
    for (int minute = 0; minute < minutes; minute++) {
        varve_performance row = VARVE_PERFORMANCE_INIT;
        row.timestamp = opening_us + minute * INT64_C(60000000);
        row.strategy_id = name.c_str(); // the writer copies it
        row.total_pnl = 10.0 * strategy + 0.25 * minute;
        writer.put(row);
    }
}

void run(const char *folder)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    options.create = 1;
    varve_lake *opened = nullptr;
    check([&](varve_error *err) { return varve_lake_open(folder, &options, &opened, err); });
    std::unique_ptr<varve_lake, CloseLake> lake(opened);
    check([&](varve_error *err) { return varve_lake_init(lake.get(), nullptr, nullptr, err); });

    Writer writer(lake.get());
    std::vector<std::thread> threads;
    for (int strategy = 1; strategy <= strategies; strategy++)
        threads.emplace_back([&writer, strategy] {
            try {
                trade(writer, strategy);
            } catch (const Error &error) {
                std::fprintf(stderr, "strategy %d: %s\n", strategy, error.what());
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    writer.flush();
    const varve_writer_stats stats = writer.stats();
    std::printf("%lld rows put, %lld inserted, %lld commits\n",
        static_cast<long long>(stats.rows_put), static_cast<long long>(stats.inserted),
        static_cast<long long>(stats.commits));
}

} // namespace

int main(int argc, char **argv)
{
    try {
        run(argc > 1 ? argv[1] : "lake");
    } catch (const Error &error) {
        std::fprintf(stderr, "writer_bot: %s\n", error.what());
        return error.code;
    }
    return 0;
}
