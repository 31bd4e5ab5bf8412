/*
 * What a fuzz target and its drivers share. libFuzzer calls the function with inputs of its own
 * making; replay.c with those of the corpus and mutations of them, as a unit test.
 *
 *     CC=clang meson setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false
 *         -Dc_args=-fsanitize=fuzzer-no-link
 *     ninja -C build-fuzz
 *     build-fuzz/tests/fuzz/fuzz_path -max_total_time=600 tests/fuzz/corpus/path
 */
#ifndef VARVE_FUZZ_H
#define VARVE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
