/* SPDX-License-Identifier: Apache-2.0
 *
 * What a text of the configuration says. One table says which keys there are; what is not in it
 * is an error, so that a misspelt key never silently means the default. Main thread, at start.
 */
#include "daemon/config.h"

#include <string.h>

#include "daemon/error.h"
#include "proto/bounds.h"

#define DAY      G_GINT64_CONSTANT(86400)
#define MIB      (G_GUINT64_CONSTANT(1) << 20)
#define CHANNELS "22-30,11-21" /* above those that bluetoothd and obexd use */

typedef gboolean (*Parse)(const char *value, gpointer field, guint64 min, guint64 max);

typedef struct {
    const char *group;
    const char *key;
    Parse parse;
    gsize offset;
    guint64 min;
    guint64 max;
    const char *wanted; /* for the message */
} Key;

/* --- values ------------------------------------------------------------------------------ */

static gboolean
parse_boolean(const char *value, gpointer field, guint64 min, guint64 max)
{
    gboolean yes = strcmp(value, "true") == 0 || strcmp(value, "yes") == 0;
    gboolean no = strcmp(value, "false") == 0 || strcmp(value, "no") == 0;
    *(gboolean *)field = yes;
    return yes || no;
}

static gboolean
parse_count(const char *value, gpointer field, guint64 min, guint64 max)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(value, 10, min, max, &number, NULL))
        return FALSE;
    *(guint *)field = (guint)number;
    return TRUE;
}

static gboolean
parse_seconds(const char *value, gpointer field, guint64 min, guint64 max)
{
    if (!parse_count(value, field, min, max))
        return FALSE;
    *(guint *)field *= 1000;
    return TRUE;
}

static gboolean
parse_days(const char *value, gpointer field, guint64 min, guint64 max)
{
    guint days;
    if (!parse_count(value, &days, min, max))
        return FALSE;
    *(gint64 *)field = days * DAY;
    return TRUE;
}

/* "512M": K, M, G, T are powers of 1024. */
static gboolean
parse_bytes(const char *value, gpointer field, guint64 min, guint64 max)
{
    static const char units[] = "KMGT";
    gsize length = strlen(value);
    guint shift = 0;
    guint64 number;
    const char *unit = length > 0 ? strchr(units, value[length - 1]) : NULL;
    if (unit != NULL) {
        shift = 10 * (guint)(unit - units + 1);
        length--;
    }
    g_autofree char *digits = g_strndup(value, length);
    if (!g_ascii_string_to_unsigned(digits, 10, 0, max >> shift, &number, NULL) ||
        number << shift < min)
        return FALSE;
    *(guint64 *)field = number << shift;
    return TRUE;
}

static void
replace(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

static gboolean
is_plain(const char *value)
{
    for (; *value != '\0'; value++) {
        if (!g_ascii_isprint(*value))
            return FALSE;
    }
    return TRUE;
}

static gboolean
parse_directory(const char *value, gpointer field, guint64 min, guint64 max)
{
    if (!g_path_is_absolute(value) || strlen(value) > max || !g_utf8_validate(value, -1, NULL))
        return FALSE;
    replace(field, value);
    return TRUE;
}

static gboolean
parse_reader(const char *value, gpointer field, guint64 min, guint64 max)
{
    if (strlen(value) > max || value[0] == '\0' || !is_plain(value))
        return FALSE;
    replace(field, strcmp(value, "auto") == 0 ? NULL : value);
    return TRUE;
}

static gboolean
parse_link_type(const char *value, gpointer field, guint64 min, guint64 max)
{
    gboolean is_unix = strcmp(value, "unix") == 0;
    *(EhdLinkType *)field = is_unix ? EHD_LINK_UNIX : EHD_LINK_BLUETOOTH;
    return is_unix || strcmp(value, "bluetooth") == 0;
}

/* "AA:BB:CC:DD:EE:FF" or without colons. */
static gboolean
parse_address(const char *value, gpointer field, guint64 min, guint64 max)
{
    char hex[13];
    guint n = 0;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == ':' && n % 2 == 0 && n > 0 && n < 12 && at[-1] != ':')
            continue;
        if (!g_ascii_isxdigit(*at) || n == 12)
            return FALSE;
        hex[n++] = g_ascii_toupper(*at);
    }
    hex[n] = '\0';
    if (n != 12)
        return FALSE;
    replace(field, hex);
    return TRUE;
}

static gboolean
add_channels(EhdConfig *config, const char *range, guint64 min, guint64 max)
{
    g_auto(GStrv) ends = g_strsplit(range, "-", 2);
    guint first;
    guint last;
    if (ends[0] == NULL || !parse_count(g_strstrip(ends[0]), &first, min, max))
        return FALSE;
    last = first;
    if (ends[1] != NULL && !parse_count(g_strstrip(ends[1]), &last, first, max))
        return FALSE;
    for (guint channel = first; channel <= last; channel++) {
        if (memchr(config->link_channels, (int)channel, config->link_n_channels) == NULL)
            config->link_channels[config->link_n_channels++] = (guint8)channel;
    }
    return TRUE;
}

/* "7", "7-12" or "22,7-12", tried in this order; field is all of the configuration. */
static gboolean
parse_channels(const char *value, gpointer field, guint64 min, guint64 max)
{
    g_auto(GStrv) ranges = g_strsplit(value, ",", 2 * EHD_CHANNELS_MAX);
    EhdConfig *config = field;
    config->link_n_channels = 0;
    for (guint i = 0; ranges[i] != NULL; i++) {
        if (!add_channels(config, ranges[i], min, max))
            return FALSE;
    }
    return config->link_n_channels > 0;
}

/* --- keys -------------------------------------------------------------------------------- */

#define AT(field) G_STRUCT_OFFSET(EhdConfig, field)
#define SECONDS(key, field, min, max)                                                          \
    {                                                                                          \
        "session", key, parse_seconds, AT(field), min, max, "seconds, " #min " to " #max       \
    }
#define DIRECTORY(group, key, field)                                                           \
    {                                                                                          \
        group, key, parse_directory, AT(field), 0, 4000, "an absolute path"                    \
    }

static const Key keys[] = {
    {"nfc", "reader", parse_reader, AT(reader), 0, 250, "auto or a libnfc connection string"},
    {"link", "type", parse_link_type, AT(link_type), 0, 0, "bluetooth or unix"},
    {"link", "address", parse_address, AT(link_address), 0, 0, "AA:BB:CC:DD:EE:FF"},
    {"link", "channels", parse_channels, 0, 1, EHD_CHANNELS_MAX,
     "channels and ranges within 1-30 (22,24-30)"},
    DIRECTORY("link", "directory", link_directory),
    DIRECTORY("trust", "directory", trust_directory),
    {"trust", "max-crl-age-days", parse_days, AT(trust_max_crl_age_s), 1, 365,
     "days, 1 to 365"},
    {"trust", "allow-unchecked-revocation", parse_boolean, AT(trust_allow_unchecked), 0, 0,
     "true or false"},
    SECONDS("armed-timeout", armed_ms, 0, 3600),
    SECONDS("consent-timeout", consent_ms, 1, 3600),
    SECONDS("filing-timeout", filing_ms, 0, 604800),
    SECONDS("connect-timeout", connect_ms, 1, 300),
    SECONDS("idle-timeout", idle_ms, 1, 300),
    SECONDS("resume-timeout", resume_ms, 0, 86400),
    SECONDS("take-up-timeout", take_up_ms, 0, 86400),
    {"session", "max-sessions", parse_count, AT(max_sessions), 1, 128, "1 to 128"},
    {"session", "max-sessions-per-user", parse_count, AT(max_sessions_per_user), 1, 128,
     "1 to 128"},
    {"session", "kiosk", parse_boolean, AT(kiosk), 0, 0, "true or false"},
    DIRECTORY("store", "state-directory", state_directory),
    {"store", "spool-quota", parse_bytes, AT(spool_quota), MIB, G_MAXINT64,
     "bytes (K, M, G, T), at least 1M"},
    {"store", "min-free", parse_bytes, AT(min_free), 0, G_MAXINT64, "bytes (K, M, G, T)"},
    {"store", "audit-quota", parse_bytes, AT(audit_quota), MIB, G_MAXINT64,
     "bytes (K, M, G, T), at least 1M"},
};

gboolean
ehd_config_key_at(guint index, const char **group, const char **key)
{
    if (index >= G_N_ELEMENTS(keys))
        return FALSE;
    *group = keys[index].group;
    *key = keys[index].key;
    return TRUE;
}

static gboolean
refuse(GError **error, const char *name, const char *group, const char *key, const char *why)
{
    ehd_error_set(error, EHP_CONFIG_INVALID, "%s: [%s]%s%s: %s", name, group,
                  key != NULL ? " " : "", key != NULL ? key : "", why);
    return FALSE;
}

static gboolean
set_key(EhdConfig *config, GKeyFile *file, const char *name, const char *group, const char *key,
        GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].group, group) != 0 || strcmp(keys[i].key, key) != 0)
            continue;
        g_autofree char *value = g_key_file_get_string(file, group, key, NULL);
        if (value != NULL && keys[i].parse(g_strchomp(value), (char *)config + keys[i].offset,
                                           keys[i].min, keys[i].max))
            return TRUE;
        g_autofree char *why = g_strdup_printf("must be %s", keys[i].wanted);
        return refuse(error, name, group, key, why);
    }
    return refuse(error, name, group, key, "there is no such key");
}

static gboolean
is_group(const char *group)
{
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].group, group) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
set_group(EhdConfig *config, GKeyFile *file, const char *name, const char *group,
          GError **error)
{
    if (!is_group(group))
        return refuse(error, name, group, NULL, "there is no such group");
    g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, NULL);
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        if (!set_key(config, file, name, group, names[i], error))
            return FALSE;
    }
    return TRUE;
}

gboolean
ehd_config_parse(EhdConfig *config, const char *name, const char *text, gsize length,
                 GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GKeyFile) file = g_key_file_new();
    if (length > EHD_CONFIG_FILE_MAX || memchr(text, '\0', length) != NULL) {
        ehd_error_set(error, EHP_CONFIG_INVALID, "%s: over %d bytes, or not text", name,
                      EHD_CONFIG_FILE_MAX);
        return FALSE;
    }
    /* An empty text is one that GKeyFile refuses. */
    if (length > 0 && !g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, &local)) {
        ehd_error_set(error, EHP_CONFIG_INVALID, "%s: %s", name, local->message);
        return FALSE;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i] != NULL; i++) {
        if (!set_group(config, file, name, groups[i], error))
            return FALSE;
    }
    return TRUE;
}

/* --- the whole --------------------------------------------------------------------------- */

EhdConfig *
ehd_config_new(void)
{
    EhdConfig *config = g_new0(EhdConfig, 1);
    config->refs = 1;
    config->link_type = EHD_LINK_BLUETOOTH;
    parse_channels(CHANNELS, config, 1, EHD_CHANNELS_MAX);
    config->trust_directory = g_strdup(EHD_CONF_DIR "/trust.d");
    config->trust_max_crl_age_s = 7 * DAY;
    config->armed_ms = EHP_ARMED_MS;
    config->consent_ms = EHP_CONSENT_MS;
    config->filing_ms = EHP_FILING_MS;
    config->connect_ms = EHP_CONNECT_MS;
    config->idle_ms = EHP_IDLE_MS;
    config->resume_ms = EHP_RESUME_MS;
    config->take_up_ms = EHP_TAKE_UP_MS;
    config->max_sessions = 8;
    config->max_sessions_per_user = 6;
    config->state_directory = g_strdup(EHD_STATE_DIR);
    config->spool_quota = 8192 * MIB;
    config->min_free = 64 * MIB;
    config->audit_quota = 1024 * MIB;
    return config;
}

EhdConfig *
ehd_config_ref(EhdConfig *config)
{
    config->refs++;
    return config;
}

void
ehd_config_unref(EhdConfig *config)
{
    if (config == NULL || --config->refs > 0)
        return;
    g_free(config->reader);
    g_free(config->link_directory);
    g_free(config->link_address);
    g_free(config->trust_directory);
    g_free(config->state_directory);
    g_free(config);
}

gboolean
ehd_config_set_link(EhdConfig *config, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);
    guint n = g_strv_length(parts);
    guint at = 1; /* where an address may be */
    gboolean ok = n > 0 && parse_link_type(parts[0], &config->link_type, 0, 0);
    if (ok && config->link_type == EHD_LINK_UNIX)
        ok = n > at && parse_directory(parts[at++], &config->link_directory, 0, 4000);
    g_clear_pointer(&config->link_address, g_free);
    if (ok && n > at) {
        g_autofree char *address = g_strjoinv(":", parts + at);
        ok = parse_address(address, &config->link_address, 0, 0);
    }
    if (!ok)
        ehd_error_set(error, EHP_CONFIG_INVALID,
                      "--link %s: must be unix:DIRECTORY[:ADDRESS] or bluetooth[:ADDRESS]",
                      text);
    return ok;
}

/* --- after SIGHUP ------------------------------------------------------------------------ */

static void
add_name(GString *names, const char *name)
{
    g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
}

static void
keep_text(char **next, const char *now, const char *name, GString *names)
{
    if (g_strcmp0(*next, now) == 0)
        return;
    replace(next, now);
    add_name(names, name);
}

static void
keep_number(guint *next, guint now, const char *name, GString *names)
{
    if (*next == now)
        return;
    *next = now;
    add_name(names, name);
}

char *
ehd_config_hold_back(EhdConfig *next, const EhdConfig *now)
{
    GString *names = g_string_new(NULL);
    guint type = next->link_type;

    keep_text(&next->reader, now->reader, "[nfc] reader", names);
    keep_number(&type, now->link_type, "[link] type", names);
    next->link_type = (EhdLinkType)type;
    keep_text(&next->link_directory, now->link_directory, "[link] directory", names);
    keep_text(&next->link_address, now->link_address, "[link] address", names);
    if (next->link_n_channels != now->link_n_channels ||
        memcmp(next->link_channels, now->link_channels, now->link_n_channels) != 0)
        add_name(names, "[link] channels");
    memcpy(next->link_channels, now->link_channels, sizeof now->link_channels);
    next->link_n_channels = now->link_n_channels;
    keep_text(&next->trust_directory, now->trust_directory, "[trust] directory", names);
    keep_text(&next->state_directory, now->state_directory, "[store] state-directory", names);
    if (names->len > 0)
        return g_string_free(names, FALSE);
    g_string_free(names, TRUE);
    return NULL;
}
