/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdLink: the way to the other device, as a small vtable. Nothing above link/ may know which
 * one it is. A link hands out connected, non-blocking stream descriptors; what flows in them is
 * the engine's.
 *
 * One link serves the whole daemon: any number of connects, and at most one listener. All
 * functions are called on, and all callbacks come from, the thread-default main context of the
 * caller of new.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/config.h"
#include "proto/status.h"

#define EHD_LINK_ADDRESS_LEN 6

/* Where a terminal listens, as the tap carries it (TerminalHello.address, .channel). */
typedef struct {
    guint8 address[EHD_LINK_ADDRESS_LEN]; /* BD_ADDR, most significant byte first */
    guint8 channel;                       /* 1..30 */
} EhdLinkAddress;

#define EHD_LINK_OOB_LEN 64

/* What pairing out of band needs of one side: its adapter, and hash and randomizer as the tap
 * carries them (P-192: zeros). */
typedef struct {
    guint8 address[EHD_LINK_ADDRESS_LEN]; /* most significant byte first */
    guint8 data[EHD_LINK_OOB_LEN];
} EhdLinkOob;

typedef struct EhdLink EhdLink;

/* A device connected. fd: (transfer full) connected, non-blocking, close-on-exec; nothing was
 * read from it. */
typedef void (*EhdLinkIncoming)(int fd, gpointer user_data);

/* While it listens: why nobody could connect now (as of listen), EHP_OK: they can again. */
typedef void (*EhdLinkWatch)(ehp_status status, gpointer user_data);

/* In words for the person who looks after the machine; each owned, NULL: nothing to say. */
typedef struct {
    char *text;              /* what this link is, when it could be used */
    char *remedy;            /* what to do, when it could not */
    char *note, *note_remedy; /* what it does without */
} EhdLinkDescription;

typedef struct {
    const char *kind; /* "unix", "bluez": for doctor only */
    gsize
        write_max; /* bytes in one write(2) at most; never 0 where there is a way to connect */
    void (*listen_async)(EhdLink *link, EhdLinkIncoming on_incoming, gpointer incoming_data,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
    gboolean (*listen_finish)(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address,
                              GError **error);
    void (*stop)(EhdLink *link);
    /* NULL: who listens can be connected to until stop */
    void (*watch)(EhdLink *link, EhdLinkWatch on_changed, gpointer user_data);
    /* NULL, all three: there is nothing to be made ready */
    void (*hold_async)(EhdLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);
    gboolean (*hold_finish)(EhdLink *link, GAsyncResult *result, GError **error);
    void (*release)(EhdLink *link);
    /* NULL, both: nobody has to be looked up */
    gboolean (*needs_lookup)(EhdLink *link);
    void (*be_found)(EhdLink *link);
    void (*connect_async)(EhdLink *link, const EhdLinkAddress *address,
                          GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data);
    int (*connect_finish)(EhdLink *link, GAsyncResult *result, GError **error);
    /* NULL, all: nothing is paired, or not out of band */
    void (*oob_take_async)(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data);
    gboolean (*oob_take_finish)(EhdLink *link, GAsyncResult *result, EhdLinkOob *own,
                                GError **error);
    void (*oob_drop)(EhdLink *link);
    void (*oob_add)(EhdLink *link, const EhdLinkOob *peer);
    void (*oob_remove)(EhdLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN]);
    /* NULL: it is always known how it is */
    void (*probe_async)(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data);
    gboolean (*describe)(EhdLink *link, EhdLinkDescription *description, GError **error);
    void (*free)(EhdLink *link);
} EhdLinkOps;

/* Embedded as first member by each backend. */
struct EhdLink {
    const EhdLinkOps *ops; /* borrowed, static */
};

/* What a link may need beside its configuration. */
typedef struct {
    const EhdConfig *config;     /* not kept */
    GDBusConnection *connection; /* the system bus; referenced */
    int state_fd;                /* the state directory, borrowed; -1: none */
    const char *radio_program;   /* ehrlink-bt; NULL: none. Copied */
    const char *radio_socket;    /* its socket where a service manager starts it; NULL: none */
    gboolean verbose;
    guint patience_ms; /* for bluetoothd or an adapter to appear; 0: 5 s */
} EhdLinkParts;

/* Makes the link that the configuration names ([link], or ehrlinkd --link, which
 * ehd_config_set_link put there): it comes from root-owned files or the command line of the
 * daemon, never from the bus or the environment. CONFIG_INVALID names what is wrong (a path too
 * long for a socket). */
EhdLink *ehd_link_new(const EhdLinkParts *parts, GError **error);
void ehd_link_free(EhdLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdLink, ehd_link_free)

/* "unix" or another short name. Never NULL. */
const char *ehd_link_kind(EhdLink *link);
/* How much one write to a descriptor of this link may be at most, for ehd_stream_new(): a large
 * one spares wake-ups where the medium takes it, and stalls where it does not (RFCOMM). */
gsize ehd_link_write_max(const EhdLink *link);

/* Starts to listen; on_incoming is called for every connection until ehd_link_stop(). Already
 * listening: the callback is replaced and the address is the same. Errors: LINK_UNAVAILABLE. */
void ehd_link_listen_async(EhdLink *link, EhdLinkIncoming on_incoming, gpointer incoming_data,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean ehd_link_listen_finish(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address,
                                GError **error);
/* Ends listening; accepted descriptors live on. Idempotent. */
void ehd_link_stop(EhdLink *link);

/* Who listens is told when it goes, and when it comes back; NULL: nobody is. Told at every
 * change, from the main loop; a listener begins as one that can be connected to. */
void ehd_link_watch(EhdLink *link, EhdLinkWatch on_changed, gpointer user_data);

/* A session of this machine is going to connect: an adapter that is off is turned on, and is
 * turned off again when the last one has released it. Each hold is to be released, also one
 * that failed. A listener holds by itself. Errors: why the link cannot be used (NO_ADAPTER,
 * ADAPTER_OFF, ADAPTER_BLOCKED, BLUETOOTH_STOPPED, RADIO_NOT_PERMITTED, LINK_UNAVAILABLE). */
void ehd_link_hold_async(EhdLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
gboolean ehd_link_hold_finish(EhdLink *link, GAsyncResult *result, GError **error);
void ehd_link_release(EhdLink *link);

/* TRUE: a connect finds the other device by an inquiry, which it has to answer. */
gboolean ehd_link_needs_lookup(EhdLink *link);
/* The other device needs_lookup: answer inquiries until it is connected, 30 s at most. Each call
 * begins anew. */
void ehd_link_be_found(EhdLink *link);

/* Connects. Returns (finish) a non-blocking, close-on-exec descriptor, (transfer full), or -1
 * and LINK_LOST (nobody listens there now), PEER_UNREACHABLE, CHANNEL_CLOSED, PAIRING_REFUSED,
 * an error as of hold, or G_IO_ERROR_CANCELLED. */
void ehd_link_connect_async(EhdLink *link, const EhdLinkAddress *address,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
int ehd_link_connect_finish(EhdLink *link, GAsyncResult *result, GError **error);

/* FALSE: there is nothing to take. */
gboolean ehd_link_has_oob(EhdLink *link);
/* Our adapter's out-of-band data, made anew, for one session at a time since a controller has
 * one set of them. TRUE (finish): drop it when the devices are connected or the session ends.
 * FALSE is no trouble, only a tap without them: LINK_UNAVAILABLE, LIMIT_REACHED (another
 * session has it), or why the link cannot be used. */
void ehd_link_oob_take_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_link_oob_take_finish(EhdLink *link, GAsyncResult *result, EhdLinkOob *own,
                                  GError **error);
void ehd_link_oob_drop(EhdLink *link);
/* What the other device told in the tap: pairing with it uses that, from the next connect on,
 * until it is removed. */
void ehd_link_oob_add(EhdLink *link, const EhdLinkOob *peer);
void ehd_link_oob_remove(EhdLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN]);

/* Ends a connection that nobody has a use for. Somebody else may hold a copy of the descriptor
 * (bluetoothd does): close(2) alone would leave the other device connected. fd: (transfer
 * full); negative: none. */
void ehd_link_hang_up(int fd);

/* For doctor: finds out how it is; then ehd_link_describe() is true. Changes nothing. */
void ehd_link_probe_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data);
/* Whether the link could be used now. FALSE sets error to why not, and remedy. */
gboolean ehd_link_describe(EhdLink *link, EhdLinkDescription *description, GError **error);
void ehd_link_description_clear(EhdLinkDescription *description);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdLinkDescription, ehd_link_description_clear)
