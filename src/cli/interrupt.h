/*
 * A writer that a signal ends, beside the lake (cli.h). Who is about to close it takes it away first:
 * when that has returned no handler has it any more.
 */
#ifndef VV_CLI_INTERRUPT_H
#define VV_CLI_INTERRUPT_H

#include "varve/writer.h"

void vv_interrupt_target_writer(varve_writer *writer); /* NULL: none */

#endif
