/*
 * The version of Varve: of the library, of the command, and of `engineInfo` in every commit.
 */
#ifndef VARVE_VERSION_H
#define VARVE_VERSION_H

#define VARVE_VERSION_MAJOR 0
#define VARVE_VERSION_MINOR 1
#define VARVE_VERSION_PATCH 0
#define VARVE_VERSION "0.1.0"

#endif
