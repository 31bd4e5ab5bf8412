/*
 * Runs a fuzz target over the files of a folder, and over mutations of each: the same ones every
 * time. A crash ends the program, so the name of an input is printed before it is tried, and where
 * VARVE_FUZZ_KEEP names a file, the input itself is left there.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX 65536
#define MUTATIONS_DEFAULT 300

struct input {
    uint8_t bytes[2 * INPUT_BYTES_MAX];
    size_t len;
};

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t below(uint64_t *state, size_t count)
{
    return count > 0 ? (size_t)(next(state) % count) : 0;
}

/* One change: a byte set, a stretch cut out, or a stretch copied to another place. */
static void mutate(struct input *input, uint64_t *state)
{
    static const uint8_t likely[] = "\"{}[]:,\\%/.0-9eE+ \n\0\x7f\x80\xff";
    size_t at = below(state, input->len);
    size_t len = 1 + below(state, 16);

    if (input->len == 0)
        return;
    if (len > input->len - at)
        len = input->len - at;
    switch (below(state, 3)) {
    case 0:
        input->bytes[at] = likely[below(state, sizeof(likely))];
        break;
    case 1:
        memmove(input->bytes + at, input->bytes + at + len, input->len - at - len);
        input->len -= len;
        break;
    default:
        if (input->len + len > sizeof(input->bytes))
            break;
        memmove(input->bytes + at + len, input->bytes + at, input->len - at);
        memmove(input->bytes + at, input->bytes + below(state, input->len - len + 1), len);
        input->len += len;
        break;
    }
}

static bool keep_input(const struct input *input)
{
    const char *path = getenv("VARVE_FUZZ_KEEP");
    FILE *file = path ? fopen(path, "wb") : NULL;

    if (!file)
        return !path;
    bool is_written = fwrite(input->bytes, 1, input->len, file) == input->len;
    return fclose(file) == 0 && is_written;
}

/* From memory of its exact size, so that a sanitizer sees a byte read beyond it. */
static bool try_input(const struct input *input)
{
    uint8_t *exact = malloc(input->len > 0 ? input->len : 1);

    if (!exact || !keep_input(input)) {
        free(exact);
        return false;
    }
    memcpy(exact, input->bytes, input->len);
    LLVMFuzzerTestOneInput(exact, input->len);
    free(exact);
    return true;
}

static bool load(const char *folder, const char *name, struct input *out)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "rb") : NULL;

    if (!file)
        return false;
    out->len = fread(out->bytes, 1, INPUT_BYTES_MAX, file);
    bool is_fine = !ferror(file);
    return fclose(file) == 0 && is_fine;
}

static bool replay(const char *folder, const char *name, unsigned mutations)
{
    static struct input original;
    static struct input changed;
    uint64_t state = 88172645463325252;

    if (!load(folder, name, &original) || !try_input(&original))
        return false;
    for (unsigned i = 0; i < mutations; i++) {
        changed = original;
        for (size_t changes = 1 + below(&state, 4); changes > 0; changes--)
            mutate(&changed, &state);
        if (!try_input(&changed))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 || argc == 3 ? opendir(argv[1]) : NULL;
    unsigned mutations = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : MUTATIONS_DEFAULT;
    struct dirent *entry;
    unsigned passed = 0;
    unsigned failed = 0;

    if (!folder) {
        printf("Bail out! usage: %s FOLDER [MUTATIONS]\n", argv[0]);
        return 2;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        printf("# %s\n", entry->d_name);
        fflush(stdout);
        bool is_fine = replay(argv[1], entry->d_name, mutations);
        passed += is_fine ? 1 : 0;
        failed += is_fine ? 0 : 1;
        printf("%s %u - %s\n", is_fine ? "ok" : "not ok", passed + failed, entry->d_name);
    }
    closedir(folder);
    printf("1..%u\n", passed + failed);
    /* Meson complains of every line that is not TAP. */
    printf("%s%u passed, %u failed, 0 skipped\n", getenv("VARVE_TEST_TAP") ? "# " : "", passed,
        failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
