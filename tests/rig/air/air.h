/* SPDX-License-Identifier: Apache-2.0
 *
 * The air: proxies unix stream sockets between the terminals' directory and the patients'
 * directories, as slowly, as late and as badly as a test wants. One thread, one epoll set,
 * everything of a fixed size.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AIR_PATIENTS_MAX 4
#define AIR_NAMES_MAX    64
#define AIR_CONNS_MAX    128
#define AIR_CLIENTS_MAX  16
#define AIR_NAME_LEN     16 /* AABBCCDDEEFF.NN and its NUL */
/* What may be under way in one direction: bounds memory, and with a delay also the rate (256
 * KiB a delay). */
#define AIR_RING         (256 * 1024)
/* Pieces under way that have a due time of their own; more are joined to the latest. */
#define AIR_MARKS        1024

/* The two directions of a connection. */
enum air_way { AIR_P2C, AIR_C2P, AIR_WAYS };

/* A position in a direction's stream that is not set. */
#define AIR_NEVER UINT64_MAX

/* What the control has asked for; read by every connection. Times are CLOCK_MONOTONIC
 * nanoseconds. */
struct air_medium {
    uint64_t rate;  /* bytes a second each way, 0 is as fast as it goes */
    uint64_t delay; /* ns one way */
    bool down;
    bool held;                /* connected, but nothing passes */
    uint64_t sent[AIR_WAYS];  /* bytes delivered since the start */
    uint64_t taken[AIR_WAYS]; /* bytes accepted since the start */
    uint64_t
        flip_at[AIR_WAYS]; /* position among the taken bytes whose byte gets a flipped bit */
    uint64_t cut_at[AIR_WAYS]; /* every connection is cut when exactly so many were delivered */
    bool down_at_cut;          /* ... and the link stays down */
    uint64_t connections;      /* accepted since the start */
    const char *record;        /* directory for what passes, or NULL; owned by the control */
    /* Adds to what `count` answers; NULL: nothing to add. */
    void (*count_more)(const struct air_medium *m, char *text, size_t size);
    int epoll;
};

/* Bytes of one direction on their way. */
struct air_pipe {
    uint64_t rate; /* its own; AIR_NEVER: the medium's */
    uint64_t head; /* written into the ring since the start; ring index is the value modulo
                      AIR_RING */
    uint64_t tail; /* delivered */
    double tokens;
    uint64_t tokens_at;
    unsigned mark_first, mark_count;
    struct {
        uint64_t end; /* head value up to which these bytes go */
        uint64_t due;
    } mark[AIR_MARKS];
    bool eof;  /* the source has ended; to be passed on after the last byte */
    bool done; /* nothing will pass any more */
    int record_fd;
    unsigned char ring[AIR_RING];
};

/* pipe.c */

/* Makes `p` empty, with `record_fd` (owned, or -1) to get a copy of what passes. */
void air_pipe_init(struct air_pipe *p, int record_fd, uint64_t now);
void air_pipe_clear(struct air_pipe *p);
/* Moves what is allowed and possible from `from` to `to`. Clears *readable and *writable when
 * the kernel said EAGAIN. Returns true when the medium's cut position was reached. */
bool air_pipe_pump(struct air_pipe *p, struct air_medium *m, enum air_way way, int from,
                   bool *readable, int to, bool *writable, uint64_t now);
/* When something can happen again without the kernel telling: ns, or AIR_NEVER. */
uint64_t air_pipe_deadline(const struct air_pipe *p, const struct air_medium *m, bool readable,
                           bool writable, uint64_t now);

/* conn.c */

/* Takes an accepted patient's socket (owned) and joins it to the terminal listening at `path`;
 * closes it when that fails. */
void air_conn_open(struct air_medium *m, int patient, const char *path, uint64_t now);
/* Marks the end `side` of connection `index` as ready, as epoll said. */
void air_conn_ready(unsigned index, enum air_way side, uint32_t events);
/* Moves whatever can move; cuts when the medium says so. Returns the next deadline. */
uint64_t air_conns_pump(struct air_medium *m, uint64_t now);
/* Closes every connection with nothing passed on. Returns how many. */
unsigned air_conns_cut(void);
unsigned air_conns_open_count(void);
/* The connection that was made last has a rate of its own from now on; false: it is over. */
bool air_conns_slow_last(uint64_t rate);
/* All are as fast as the medium again. */
void air_conns_alike(void);

/* names.c */

/* Remembers the directories (borrowed) and offers what is there. Returns the inotify fd, or -1
 * with a message. */
int air_names_start(struct air_medium *m, const char *clinic, const char *const *patients,
                    unsigned n_patients);
/* The terminals' directory changed: look again. */
void air_names_scan(struct air_medium *m);
/* A patient connects to offer `index`. */
void air_names_accept(struct air_medium *m, unsigned index, uint64_t now);
/* After m->down changed: closes the offers (their files stay, a connect is refused), or opens
 * them again. */
void air_names_updown(struct air_medium *m);
void air_names_stop(void);
unsigned air_names_count(void);

/* control.c */

/* Listens at `path`. Returns the listening fd, or -1 with a message. */
int air_control_start(struct air_medium *m, const char *path);
void air_control_accept(struct air_medium *m);
void air_control_ready(struct air_medium *m, unsigned index);
/* Answers those who wait for bytes that have passed by now. */
void air_control_tell(struct air_medium *m);
void air_control_stop(void);

/* main.c */

enum air_source {
    AIR_ON_CONTROL,
    AIR_ON_CLIENT,
    AIR_ON_NAMES,
    AIR_ON_OFFER,
    AIR_ON_PATIENT,
    AIR_ON_CLINIC,
    AIR_ON_SIGNAL
};
/* Adds `fd` to the epoll set under a source and an index. */
bool air_poll_add(struct air_medium *m, int fd, enum air_source source, unsigned index,
                  uint32_t events);
