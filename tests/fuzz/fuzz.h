/*
 * What a fuzz target and its drivers share. libFuzzer calls the function with inputs of its own
 * making; replay.c with those of the corpus and mutations of them, as a unit test.
 *
 *     make fuzz                                    every target, 60 s each
 *     make fuzz SECONDS=600 TARGETS='path sql'     those, as long as that
 *
 * What it finds goes to build-fuzz/found/. Mended, such an input belongs into the corpus.
 */
#ifndef VARVE_FUZZ_H
#define VARVE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
