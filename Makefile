# The front door: each rule is one line; meson.build describes the build, setup.sh what it needs.
.PHONY: demo build test test-spark spark-logstore fuzz nightly mutants check bench bench-full bench-spark bench-growth bench-docs bench-ingest bench-layout lint analyse format asan asan-commands tsan tsan-threads valgrind coverage install clean
.DEFAULT_GOAL := build

build:   ; @./setup.sh build && tools/build.sh build
demo:    build ; @build/varve demo
test:    build ; @./setup.sh test && .venv/bin/python tests/run.py --jobs 2 build
spark-logstore: ; @./setup.sh spark && spark/build.sh build
test-spark: build spark-logstore ; @.venv-spark/bin/python -m pytest -q -p no:cacheprovider tests/spark
fuzz:    ; @./setup.sh fuzz && tests/fuzz/run.py build-fuzz --seconds $(or $(SECONDS),60) $(TARGETS)
nightly: ; @python3 tests/nightly.py build $(if $(FRESH),--fresh) $(STEPS)
mutants: build ; @./setup.sh test && .venv/bin/python tests/mutants/try_mutants.py build
check:   lint build ; @./setup.sh test && .venv/bin/python tests/run.py --jobs 2 --short build
bench:   build ; @./setup.sh bench && .venv-bench/bin/python bench/run.py build --rows $(or $(ROWS),1000000) $(BENCH)
bench-full: build ; @./setup.sh bench-more && .venv-bench/bin/python bench/run.py build --profile full $(BENCH) && \
           .venv-bench/bin/python bench/growth.py build $(GROWTH)
bench-spark: build ; @./setup.sh bench && ./setup.sh spark && .venv-bench/bin/python bench/run.py build --profile spark $(BENCH)
bench-growth: build ; @./setup.sh bench && .venv-bench/bin/python bench/growth.py build $(GROWTH)
bench-docs: ; @for results in build/bench/results*.json; do python3 bench/report.py $$results docs; done
bench-ingest: build ; @./setup.sh bench && .venv-bench/bin/python bench/ingest.py build
bench-layout: build ; @./setup.sh bench && .venv-bench/bin/python bench/layout.py build
soak:    build ; @python3 tests/ingest/soak.py --minutes $(or $(MINUTES),10) $(SOAK)
lint:    ; @./setup.sh lint && tools/lint.sh
analyse: ; @./setup.sh analyse && tools/analyse.sh
format:  ; @./setup.sh lint && git ls-files 'include/*.h' 'src/*.[ch]' 'tests/*.[ch]' 'python/src/*.[ch]' | xargs clang-format -i
asan:    ; @./setup.sh build && tools/build.sh build-asan --buildtype=debug -Db_sanitize=address,undefined && python3 tests/run.py --programs-only $(if $(SUITE),--suite $(SUITE)) build-asan
asan-commands: ; @./setup.sh test && tools/build.sh build-asan --buildtype=debug -Db_sanitize=address,undefined && .venv/bin/python tests/asan_commands.py build-asan $(ASAN)
tsan:    ; @./setup.sh build && tools/build.sh build-tsan --buildtype=debug -Db_sanitize=thread && python3 tests/run.py --programs-only --patient build-tsan
tsan-threads: ; @./setup.sh build && tools/build.sh build-tsan --buildtype=debug -Db_sanitize=thread && python3 tests/run.py --programs-only --patient --suite $(or $(SUITE),threads) build-tsan
valgrind: build ; @./setup.sh valgrind && python3 tests/memcheck.py build
coverage: ; @./setup.sh coverage && tools/build.sh build-coverage --buildtype=debug -Db_coverage=true && .venv/bin/python tools/coverage.py build-coverage
install: build ; @$(if $(PREFIX),meson configure build -Dprefix=$(abspath $(PREFIX)) &&) meson install -C build
clean:   ; @rm -rf build build-asan build-tsan build-clang build-cppcheck build-coverage build-fuzz build-arena
