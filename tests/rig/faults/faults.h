/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls into the system that fail as a table says: which call, on which files, the how manieth,
 * and how. The product has no hooks for it. Two builds of the same calls: preloaded into real
 * processes, where the table is in a file that the test maps and changes while they run
 * (FAULTS=FILE), and put in by the linker (--wrap), where it is a variable.
 */
#pragma once

#include <stdint.h>

/* As tests/rig/faults/faults.py has them. Each counts all variants of the call. */
typedef enum {
    FAULTS_OPEN, /* open, openat */
    FAULTS_READ, /* read, pread */
    FAULTS_WRITE,
    FAULTS_SYNC, /* fsync, fdatasync, syncfs */
    FAULTS_RENAME,
    FAULTS_LINK,
    FAULTS_UNLINK,
    FAULTS_MKDIR,
    FAULTS_SIZE, /* ftruncate, fallocate */
    FAULTS_STAT, /* fstat */
    FAULTS_ROOM, /* fstatvfs; SHORT: nothing is free */
    FAULTS_SEND, /* send, sendmsg */
    FAULTS_RECEIVE,
    FAULTS_CONNECT, /* socket, connect, accept */
    FAULTS_RANDOM,  /* getrandom */
    FAULTS_CLOCK,   /* the wall clock; not an errno, but the seconds that it is off */
    FAULTS_CALLS
} FaultsCall;

/* In the place of an errno: takes or gives one byte only, and says so. */
#define FAULTS_SHORT       (-1)
#define FAULTS_PATTERN_MAX 256

typedef struct {
    uint32_t armed;
    uint32_t call;   /* FaultsCall */
    int32_t at;      /* from 1 */
    int32_t how;     /* an errno, or FAULTS_SHORT; seconds for the clock */
    uint32_t sticky; /* every one from there on */
    uint32_t hits;
    uint32_t seen[FAULTS_CALLS]; /* calls that the pattern fits, since it was armed */
    /* of the path, as fnmatch(3) has it; a socket's is "socket". Empty: nothing is counted */
    char pattern[FAULTS_PATTERN_MAX];
    char where[FAULTS_PATTERN_MAX]; /* the path of the first hit */
} FaultsTable;

/* The wrapped build's table; NULL in a preloaded one without FAULTS. */
FaultsTable *faults_table(void);
/* The at-th such call fails; counts from now on. at 0: only counts. */
void faults_arm(FaultsCall call, const char *pattern, int at, int how, int sticky);
void faults_disarm(void);
