/*
 * Options that several commands have alike: a range of event times, whose regimes, and since when
 * something counts as known. A command's struct holds the values; its table, these entries.
 */
#ifndef VV_CLI_SPAN_H
#define VV_CLI_SPAN_H

#include <stddef.h>

#include "cli/cli.h"

struct vv_span_values {
    const char *last;
    const char *from;
    const char *to;
};

/* Three entries of an option table; `member` is the struct vv_span_values of `type`. */
#define VV_SPAN_OPTIONS(type, member, last_help)                                       \
    {.name = "last",                                                                   \
        .kind = VV_OPTION_TEXT,                                                        \
        .value = "TIME",                                                               \
        .help = (last_help),                                                           \
        .offset = offsetof(type, member) + offsetof(struct vv_span_values, last)},     \
        {.name = "from",                                                               \
            .kind = VV_OPTION_TEXT,                                                    \
            .value = "TIME",                                                           \
            .help = "first time, included",                                            \
            .offset = offsetof(type, member) + offsetof(struct vv_span_values, from)}, \
    {                                                                                  \
        .name = "to", .kind = VV_OPTION_TEXT, .value = "TIME",                         \
        .help = "last time, not included",                                             \
        .offset = offsetof(type, member) + offsetof(struct vv_span_values, to)         \
    }

/* "--symbol S": whose regimes. */
#define VV_SYMBOL_OPTION(type, member)                                       \
    {                                                                        \
        .name = "symbol", .kind = VV_OPTION_TEXT, .value = "S",              \
        .help = "the regimes of this symbol (default: SPY, else the first)", \
        .offset = offsetof(type, member)                                     \
    }

/* "--by symbol": the answer for each. */
#define VV_BY_SYMBOL_OPTION(type, member)                                                    \
    {                                                                                        \
        .name = "by", .kind = VV_OPTION_CHOICE, .value = "WHAT", .choices = "regime|symbol", \
        .help = "symbol: the answer for each symbol (default: regime)",                      \
        .offset = offsetof(type, member)                                                     \
    }
#define VV_BY_SYMBOL 2

/* "--strategy S" */
#define VV_STRATEGY_OPTION(type, member)                               \
    {                                                                  \
        .name = "strategy", .kind = VV_OPTION_TEXT, .value = "S",      \
        .help = "only this strategy", .offset = offsetof(type, member) \
    }

/* "--knowledge K"; vv_knowledge_of reads it. */
#define VV_KNOWLEDGE_OPTION(type, member, words)                                           \
    {                                                                                      \
        .name = "knowledge", .kind = VV_OPTION_CHOICE, .value = "K",                       \
        .choices = "order|commit|event", .help = (words), .offset = offsetof(type, member) \
    }
#define VV_KNOWLEDGE_OF_REGIMES                                                         \
    "since when a regime is known: from its ingested_at (default), its commit, or its " \
    "timestamp"

/* The varve_knowledge of a choice; not given: by order. */
int32_t vv_knowledge_of(int32_t choice);
/* EUSAGE: both a length and ends are given. */
varve_status vv_span_check(struct vv_cli *cli, const struct vv_span_values *span);

#endif
