/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's configuration: /etc/ehrlink/ehrlinkd.conf, then the drop-ins
 * ehrlinkd.conf.d/NAME.conf beside it in the order of their names, later ones win key by key.
 * Read at the start and on SIGHUP; plain data that nobody changes after. The path comes from
 * argv alone (--config), never from the environment. ehrlinkd.conf(5) lists the keys.
 */
#pragma once

#include <glib.h>

/* RFCOMM has channels 1 to 30. */
#define EHD_CHANNELS_MAX 30

typedef enum {
    EHD_LINK_BLUETOOTH,
    EHD_LINK_UNIX,
} EhdLinkType;

typedef struct {
    gint refs; /* main thread */

    /* [nfc] */
    char *reader; /* owned; libnfc connstring, or NULL: the first one found */

    /* [link] */
    EhdLinkType link_type;
    char *link_directory; /* owned; type=unix only, absolute; else NULL */
    char *link_address;   /* owned; "AABBCCDDEEFF" (upper case, no colons); NULL: adapter's /
                             default */
    guint8 link_channels[EHD_CHANNELS_MAX]; /* RFCOMM channels that this terminal may listen on,
                                               in this order; written "22,24-30" */
    guint link_n_channels;                  /* 1.. */

    /* [trust] */
    char *trust_directory;          /* owned; absolute; read-only system anchors */
    gint64 trust_max_crl_age_s;     /* seconds; max-crl-age-days, default 7, 1..365 */
    gboolean trust_allow_unchecked; /* allow-unchecked-revocation, default false */

    /* [session]: written in seconds, held in milliseconds; defaults from proto/bounds.h */
    guint armed_ms; /* 0: until stopped */
    guint consent_ms;
    guint filing_ms; /* 0: never discards */
    guint connect_ms;
    guint idle_ms;
    guint resume_ms;
    guint take_up_ms;   /* what a lost link left may be taken up by a new tap; 0: not */
    guint max_sessions; /* default 8, 1..128 */
    guint max_sessions_per_user; /* of one uid; default 6, 1..128 */
    gboolean kiosk;              /* default false */

    /* [store] */
    char *state_directory; /* owned; absolute */
    guint64 spool_quota;   /* bytes, default 8 GiB; suffixes K, M, G, T (powers of 1024) */
    guint64 min_free;      /* bytes left free on the state's file system, default 64 MiB */
    guint64 audit_quota;   /* bytes of the audit log at which sessions are refused, 1 GiB */
} EhdConfig;

/* The path that is built in: CONF_DIR/ehrlinkd.conf. */
extern const char *const ehd_config_default_path;

/* A configuration of nothing but defaults. */
EhdConfig *ehd_config_new(void);
/* Sessions hold the one that they were opened with. */
EhdConfig *ehd_config_ref(EhdConfig *config);
void ehd_config_unref(EhdConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdConfig, ehd_config_unref)

/* Bytes of one file. */
#define EHD_CONFIG_FILE_MAX 65536

/* Reads `path` and its drop-ins (`path`.d). The default path may be missing (defaults); a given
 * one may not. CONFIG_INVALID, naming file, group and key, for: an unknown group or key, a
 * value that does not parse or is out of range, a file over 64 KiB, a file that someone else
 * than root or our own user may write. `path` NULL: the default. */
EhdConfig *ehd_config_load(const char *path, GError **error);

/* Parses one file's text over `config`; `name` is for messages. On error config may be half
 * changed. */
gboolean ehd_config_parse(EhdConfig *config, const char *name, const char *text, gsize length,
                          GError **error);

/* "unix:DIR[:ADDRESS]" or "bluetooth[:ADDRESS]", as ehrlinkd --link gives it; replaces [link].
 * DIR must not hold a colon. */
gboolean ehd_config_set_link(EhdConfig *config, const char *text, GError **error);

/* After SIGHUP: what of `next` can only be had by a start (link, reader, directories) becomes
 * again what it is in `now`, and is named in the result, "[link] type, [nfc] reader" (transfer
 * full); NULL: nothing. */
char *ehd_config_hold_back(EhdConfig *next, const EhdConfig *now);

/* The index-th key that there is (for documentation's sake); FALSE past the last. */
gboolean ehd_config_key_at(guint index, const char **group, const char **key);
