/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlinkd: makes the process fit to hold keys, reads the command line, runs the app.
 */
#include <glib.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "daemon/app.h"

/* sysexits.h: EX_USAGE */
#define EXIT_USAGE  64
/* libnfc waits with select(2), and its helper inherits our limit. */
#define FILES_MAX   1024
/* Bytes. Above the blocks that each segment needs anew. */
#define LARGE_BLOCK (768 * 1024)

static void
harden(void)
{
    umask(077);
    /* Keys are in memory: no core dump, no ptrace by others of our user. The leak checker is a
     * tracer, though. */
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);

    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > FILES_MAX) {
        files.rlim_cur = FILES_MAX;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* What compresses takes a megabyte and more, for as long as a session sends. Left to itself the
 * allocator learns from that to take such blocks from the heap, and an idle service keeps tens
 * of megabytes of it. */
static void
give_memory_back(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK);
}

int
main(int argc, char **argv)
{
    harden();
    give_memory_back();
    setlocale(LC_ALL, "");
    g_auto(EhdArguments) arguments = {0};
    g_autoptr(GError) error = NULL;
    if (!ehd_arguments_parse(&arguments, argc, argv, &error)) {
        fprintf(stderr, "ehrlinkd: %s\n", error->message);
        return EXIT_USAGE;
    }
    if (arguments.version) {
        printf("ehrlinkd %s\n", EHD_VERSION);
        return 0;
    }
    g_log_set_debug_enabled(arguments.verbose);
    return ehd_app_run(&arguments);
}
