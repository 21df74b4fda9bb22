/* SPDX-License-Identifier: Apache-2.0
 *
 * The Bluetooth link's parts: bluez.c (life, forwarding), bluez-up.c (adapter and listener are
 * brought up and kept up), bluez-reach.c (and can be reached), bluez-connect.c (connects by
 * ehrlink-bt), bluez-lookup.c (connects by bluetoothd).
 */
#pragma once

#include "daemon/link/bluez-bus.h"
#include "daemon/link/bluez-profile.h"
#include "daemon/link/bluez.h"
#include "daemon/link/hold.h"
#include "daemon/link/radio.h"

typedef struct EhdLinkBluez EhdLinkBluez;

typedef enum {
    EHD_BLUEZ_ADAPTER_UP = 1, /* there is an adapter, and it is on */
    EHD_BLUEZ_LISTENING = 2,  /* and our record is published on it */
} EhdBluezLevel;

/* error: borrowed, NULL: it is so now. */
typedef void (*EhdBluezUp)(EhdLinkBluez *self, const GError *error, gpointer user_data);

struct EhdLinkBluez {
    EhdLink base;
    guint refs;     /* ours, and one of each call that is under way */
    gboolean freed; /* callbacks only clean up */
    GDBusConnection *connection;
    EhdBluezBus *bus;
    EhdBluezProfile *profile;
    EhdRadio *radio;
    EhdHold *hold; /* NULL when freed */
    /* as configured */
    gboolean has_address;
    guint8 address[6];
    guint8 channels[30];
    guint n_channels;

    /* bluez-up.c */
    guint holds;        /* sessions that need the adapter */
    gboolean has_power; /* we hold the power of power_of */
    guint8 power_of[6];
    gboolean wanted;    /* to listen */
    gboolean listening; /* it was told so, with `at` */
    gboolean published; /* and is so as far as we know */
    gboolean returning; /* it was lost: what comes back is given time to come up by itself */
    gboolean busy;      /* a step is under way */
    gboolean started;   /* bluetoothd was asked to start */
    guint channel;      /* which of channels is tried */
    GArray *waiters;    /* of Waiter */
    guint patience_ms;
    gint64 patience; /* monotonic, microseconds: what is missing may come until then */
    guint timer;
    EhdLinkAddress at;
    EhdLinkIncoming on_incoming;
    gpointer incoming_data;
    ehp_status trouble; /* of the listener, once it was told to listen */
    ehp_status told;    /* to on_watch */
    EhdLinkWatch on_watch;
    gpointer watch_data;

    /* bluez-reach.c */
    gboolean has_fast; /* fast connectable, while listening */
    guint8 fast_of[6];
    gboolean has_open;   /* instead: discoverable, which is connectable too */
    gboolean answers;    /* one of them is set, so pages are answered; or cannot be */
    guint answer_timer;  /* that is not waited for for ever */
    gboolean found_held; /* discoverable, for one that has to look us up */
    guint8 found_of[6];
    guint found_timer;

    GPtrArray *lookups; /* bluez-lookup.c */
    /* bluez-peers.c; paths. before: NULL: no session; ours: with whether it was seen connected;
     * leaving: bluetoothd was told to forget it */
    int state_fd; /* borrowed; -1: none */
    GHashTable *before, *ours, *leaving;

    /* bluez-oob.c */
    gboolean oob_taken; /* a session has our adapter's, or asks for them */
    GArray *oob_peers;  /* of whom the kernel has data, with the adapter that has them */

    /* bluez-doctor.c */
    ehp_status problem; /* bluez-up.c: what was last in the way */
    gboolean installed; /* bluetoothd could be started */
    GPtrArray *probes;  /* of GTask, owned: they wait until it is known how things are */
};

EhdLinkBluez *ehd_bluez_ref(EhdLinkBluez *self);
void ehd_bluez_unref(EhdLinkBluez *self);

/* --- bluez-up.c --- */
GArray *ehd_bluez_waiters_new(void);
/* Calls done when the level is reached or cannot be; not before it returns. */
void ehd_bluez_up_wait(EhdLinkBluez *self, EhdBluezLevel level, EhdBluezUp done,
                       gpointer user_data);
/* Takes the next step, if there is one to take. */
void ehd_bluez_up_settle(EhdLinkBluez *self);
/* bluetoothd or an adapter changed. */
void ehd_bluez_up_changed(EhdLinkBluez *self);
/* bluetoothd has let go of our record. */
void ehd_bluez_up_unpublished(EhdLinkBluez *self);
void ehd_bluez_up_stop_listening(EhdLinkBluez *self);
/* The link is freed: those who wait are told. */
void ehd_bluez_up_end(EhdLinkBluez *self);
/* The adapter that we use; NULL: none now. */
const EhdBluezAdapter *ehd_bluez_up_adapter(EhdLinkBluez *self);

/* Nobody needs the adapter any more, perhaps: then it is left as it was found. */
void ehd_bluez_up_rest(EhdLinkBluez *self);

/* --- bluez-reach.c --- */
/* While listening: the other device's page is answered, and soon; `answers` is then set, and
 * settle called. */
void ehd_bluez_reach_begin(EhdLinkBluez *self);
void ehd_bluez_reach_end(EhdLinkBluez *self);
/* Can be found by an inquiry, until somebody connects or 30 s are over. */
void ehd_bluez_reach_show(EhdLinkBluez *self);
void ehd_bluez_reach_hide(EhdLinkBluez *self);

/* --- bluez-doctor.c --- */
void ehd_bluez_probe_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data);
void ehd_bluez_probe_known(EhdLinkBluez *self);
gboolean ehd_bluez_describe(EhdLink *link, EhdLinkDescription *description, GError **error);

/* --- bluez-lookup.c --- */
GPtrArray *ehd_bluez_lookups_new(void);
/* Takes the task. */
void ehd_bluez_lookup_start(EhdLinkBluez *self, const EhdBluezAdapter *adapter,
                            const guint8 address[6], GTask *task);
void ehd_bluez_lookup_device(EhdLinkBluez *self, const EhdBluezDevice *device);
/* TRUE: somebody waited for it, and has it. */
gboolean ehd_bluez_lookup_connected(EhdLinkBluez *self, const char *device, int fd);
void ehd_bluez_lookup_end(EhdLinkBluez *self);

/* --- bluez-peers.c --- */
/* The first session begins, a device is one's of a session, it changed, the last one ended. */
void ehd_bluez_peers_begin(EhdLinkBluez *self);
void ehd_bluez_peers_used(EhdLinkBluez *self, const char *device);
void ehd_bluez_peers_changed(EhdLinkBluez *self, const EhdBluezDevice *device);
void ehd_bluez_peers_end(EhdLinkBluez *self);
void ehd_bluez_peers_gone(EhdLinkBluez *self, const char *device);
/* What an earlier run that crashed has left: known from now on, and removed when there are
 * adapters and no session needs it. */
void ehd_bluez_peers_load(EhdLinkBluez *self);
void ehd_bluez_peers_seen(EhdLinkBluez *self);

/* --- bluez-oob.c --- */
GArray *ehd_bluez_oob_peers_new(void);
void ehd_bluez_oob_take_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_bluez_oob_take_finish(EhdLink *link, GAsyncResult *result, EhdLinkOob *own,
                                   GError **error);
void ehd_bluez_oob_drop(EhdLink *link);
void ehd_bluez_oob_add(EhdLink *link, const EhdLinkOob *peer);
void ehd_bluez_oob_remove(EhdLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN]);

/* --- bluez-settings.c --- */
extern const EhdHoldOps ehd_bluez_hold_ops; /* user_data: EhdLinkBluez */
/* Adapters changed. */
void ehd_bluez_settings_seen(EhdLinkBluez *self);

/* --- bluez-connect.c --- */
void ehd_bluez_connect_async(EhdLink *link, const EhdLinkAddress *address,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
/* Answers a connect; takes error. */
void ehd_bluez_return_fd(GTask *task, int fd, GError *error);
int ehd_bluez_connect_finish(EhdLink *link, GAsyncResult *result, GError **error);
