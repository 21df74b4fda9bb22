/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: ledger/ID, a record of kind "ledger" around a sealed blob bound to that id, and
 * its companions ID.note, ID.marks (marks.c) and ID.origins (origins.c), which mean nothing
 * without it. Any thread, one writer per id.
 */
#include "daemon/store/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/store/file.h"
#include "daemon/store/ledger-private.h"
#include "daemon/words.h"

#define KIND      "ledger"
#define NOTE_KIND "ledger-note"
#define NOTE      ".note"

static const char *const companions[] = {NOTE, EHD_MARKS_SUFFIX, EHD_ORIGINS_SUFFIX, NULL};

/* What a crash left of a put or a remove: something unfinished, or a companion without its
 * record. */
static gboolean
is_left_over(const char *name, const char *const *names)
{
    const char *dot = strchr(name, '.');
    g_autofree char *id = dot != NULL ? g_strndup(name, (gsize)(dot - name)) : NULL;
    if (dot == NULL)
        return FALSE;
    if (g_str_has_suffix(name, EHD_FILE_TMP_SUFFIX))
        return TRUE;
    return g_strv_contains(companions, dot) && !g_strv_contains(names, id);
}

EhdLedger *
ehd_ledger_open(EhdState *state, const EhdSeal *seal, GError **error)
{
    g_autoptr(EhdLedger) ledger = g_new0(EhdLedger, 1);
    ledger->seal = seal;
    ledger->fd = ehd_state_room(state, "ledger");
    g_auto(GStrv) names = ehd_file_list(ledger->fd, error);
    if (names == NULL)
        return NULL;
    for (guint i = 0; names[i] != NULL; i++) {
        if (is_left_over(names[i], (const char *const *)names) &&
            !ehd_atomic_remove(ledger->fd, names[i], error))
            return NULL;
    }
    return g_steal_pointer(&ledger);
}

void
ehd_ledger_free(EhdLedger *ledger)
{
    g_free(ledger);
}

static gboolean
check_id(const char *id, GError **error)
{
    if (ehd_state_id_valid(id))
        return TRUE;
    ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("not a session's id"));
    return FALSE;
}

static gboolean
has_room(EhdLedger *ledger, const char *id, gsize length, GError **error)
{
    if (length > EHD_LEDGER_BYTES_MAX) {
        ehd_error_set(error, EHP_LIMIT_REACHED, "a ledger record is over %d bytes",
                      EHD_LEDGER_BYTES_MAX);
        return FALSE;
    }
    if (faccessat(ledger->fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return TRUE;
    g_auto(GStrv) ids = ehd_ledger_list(ledger, error);
    if (ids == NULL)
        return FALSE;
    if (g_strv_length(ids) < EHD_LEDGER_RECORDS_MAX)
        return TRUE;
    ehd_error_set(error, EHP_LIMIT_REACHED, "the ledger holds %d sessions",
                  EHD_LEDGER_RECORDS_MAX);
    return FALSE;
}

gboolean
ehd_ledger_put(EhdLedger *ledger, const char *id, const void *data, gsize length,
               GError **error)
{
    if (!check_id(id, error) || !has_room(ledger, id, length, error))
        return FALSE;
    g_autoptr(GBytes) blob = ehd_seal_wrap(ledger->seal, KIND, id, data, length);
    return ehd_record_write(ledger->fd, id, KIND, g_bytes_get_data(blob, NULL),
                            g_bytes_get_size(blob), error);
}

GBytes *
ehd_ledger_get(EhdLedger *ledger, const char *id, GError **error)
{
    if (!check_id(id, error))
        return NULL;
    g_autoptr(GBytes) blob =
        ehd_record_read(ledger->fd, id, KIND, EHD_LEDGER_BYTES_MAX + EHD_SEAL_OVERHEAD, error);
    if (blob == NULL)
        return NULL;
    return ehd_seal_unwrap(ledger->seal, KIND, id, g_bytes_get_data(blob, NULL),
                           g_bytes_get_size(blob), error);
}

gboolean
ehd_ledger_put_note(EhdLedger *ledger, const char *id, const void *data, gsize length,
                    GError **error)
{
    if (!check_id(id, error))
        return FALSE;
    if (length > EHD_LEDGER_NOTE_MAX) {
        ehd_error_set(error, EHP_LIMIT_REACHED, "a ledger note is over %d bytes",
                      EHD_LEDGER_NOTE_MAX);
        return FALSE;
    }
    g_autofree char *name = g_strconcat(id, NOTE, NULL);
    g_autoptr(GBytes) blob = ehd_seal_wrap(ledger->seal, NOTE_KIND, id, data, length);
    return ehd_record_write(ledger->fd, name, NOTE_KIND, g_bytes_get_data(blob, NULL),
                            g_bytes_get_size(blob), error);
}

GBytes *
ehd_ledger_get_note(EhdLedger *ledger, const char *id, GError **error)
{
    if (!check_id(id, error))
        return NULL;
    g_autofree char *name = g_strconcat(id, NOTE, NULL);
    g_autoptr(GBytes) blob = ehd_record_read(ledger->fd, name, NOTE_KIND,
                                             EHD_LEDGER_NOTE_MAX + EHD_SEAL_OVERHEAD, error);
    if (blob == NULL)
        return NULL;
    return ehd_seal_unwrap(ledger->seal, NOTE_KIND, id, g_bytes_get_data(blob, NULL),
                           g_bytes_get_size(blob), error);
}

/* The record durably first: without it the companions are nothing, and the next open removes
 * what a crash leaves of them. */
/* Not synced: without the record it means nothing, and the next start removes it. */
static gboolean
remove_beside(EhdLedger *ledger, const char *id, const char *suffix, GError **error)
{
    g_autofree char *name = g_strconcat(id, suffix, NULL);

    if (unlinkat(ledger->fd, name, 0) == 0 || errno == ENOENT)
        return TRUE;
    ehd_error_set_errno(error, errno, N_("remove what belongs to a record"));
    return FALSE;
}

gboolean
ehd_ledger_remove(EhdLedger *ledger, const char *id, GError **error)
{
    gboolean good = check_id(id, error) && ehd_atomic_remove(ledger->fd, id, error);
    for (guint i = 0; good && companions[i] != NULL; i++)
        good = remove_beside(ledger, id, companions[i], error);
    return good;
}

GStrv
ehd_ledger_list(EhdLedger *ledger, GError **error)
{
    g_auto(GStrv) names = ehd_file_list(ledger->fd, error);
    if (names == NULL)
        return NULL;
    g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
    for (guint i = 0; names[i] != NULL; i++) {
        if (ehd_state_id_valid(names[i]))
            g_strv_builder_add(ids, names[i]);
    }
    return g_strv_builder_end(ids);
}
