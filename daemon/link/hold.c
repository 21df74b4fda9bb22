/* SPDX-License-Identifier: Apache-2.0
 *
 * One entry for each setting of each adapter. We only ever turn things on, so that what is to
 * be put back is always "off", and the file is the list of what we have turned on. A line
 * counts only within the boot it was written in: after that the machine decides anew.
 */
#include "daemon/link/hold.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/link/bluez-address.h"
#include "daemon/link/boot.h"
#include "daemon/store/atomic.h"

#define FILE_NAME "adapters"
#define FILE_KIND "adapters"
#define FILE_MAX  4096
#define ENTRY_MAX 24

typedef enum {
    FREE,   /* we know nothing of it */
    THEIRS, /* it was on already */
    OURS,   /* we have turned it on */
    LOST,   /* somebody else has turned it off since */
} Phase;

typedef struct {
    EhdHold *hold;
    EhdHoldKind kind;
    guint8 adapter[6];
    guint refs;
    Phase phase;
    gboolean busy;   /* a get or set is under way */
    GArray *waiters; /* of Waiter */
} Entry;

typedef struct {
    EhdHoldTaken done;
    gpointer done_data;
} Waiter;

struct EhdHold {
    int dir_fd;
    const EhdHoldOps *ops; /* borrowed */
    gpointer user_data;
    GPtrArray *entries; /* of Entry */
    guint pending;      /* gets and sets that are not back */
    gboolean freed;
};

static const char *const kind_names[EHD_HOLD_KINDS] = {"power", "discoverable", "fast"};

/* --- the file --------------------------------------------------------------------------------
 */

static void
save(EhdHold *self)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (self->dir_fd < 0)
        return;
    for (guint i = 0; i < self->entries->len; i++) {
        const Entry *entry = g_ptr_array_index(self->entries, i);
        const guint8 *a = entry->adapter;

        if (entry->phase == OURS)
            g_string_append_printf(text, "%s %02X%02X%02X%02X%02X%02X %" G_GINT64_FORMAT "\n",
                                   kind_names[entry->kind], a[0], a[1], a[2], a[3], a[4], a[5],
                                   ehd_boot_moment());
    }
    if (text->len > 0 ? !ehd_record_write(self->dir_fd, FILE_NAME, FILE_KIND, text->str,
                                          text->len, &error)
                      : !ehd_atomic_remove(self->dir_fd, FILE_NAME, &error))
        g_warning("what was changed of an adapter is not recorded: %s", error->message);
}

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    g_array_unref(entry->waiters);
    g_free(entry);
}

static Entry *
entry_of(EhdHold *self, EhdHoldKind kind, const guint8 adapter[6])
{
    Entry *entry;

    for (guint i = 0; i < self->entries->len; i++) {
        entry = g_ptr_array_index(self->entries, i);
        if (entry->kind == kind && memcmp(entry->adapter, adapter, 6) == 0)
            return entry;
    }
    entry = g_new0(Entry, 1);
    entry->hold = self;
    entry->kind = kind;
    memcpy(entry->adapter, adapter, 6);
    entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    g_ptr_array_add(self->entries, entry);
    return entry;
}

static void
load_line(EhdHold *self, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 3);
    guint8 adapter[6];
    gint64 boot;

    if (g_strv_length(words) != 3 || !ehd_bluez_address_parse(words[1], adapter) ||
        !g_ascii_string_to_signed(words[2], 10, 0, G_MAXINT64, &boot, NULL) ||
        !ehd_boot_is_this(boot) || self->entries->len >= ENTRY_MAX)
        return;
    for (guint kind = 0; kind < EHD_HOLD_KINDS; kind++) {
        if (strcmp(words[0], kind_names[kind]) == 0)
            entry_of(self, (EhdHoldKind)kind, adapter)->phase = OURS;
    }
}

static void
load(EhdHold *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) text = NULL;
    g_auto(GStrv) lines = NULL;

    if (self->dir_fd < 0)
        return;
    text = ehd_record_read(self->dir_fd, FILE_NAME, FILE_KIND, FILE_MAX, &error);
    if (text == NULL) {
        if (ehd_error_status(error) != EHP_NOT_FOUND)
            g_warning("what an earlier run changed of an adapter: %s", error->message);
        return;
    }
    g_autofree char *copy = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    lines = g_strsplit(copy, "\n", ENTRY_MAX);
    for (guint i = 0; lines[i] != NULL; i++)
        load_line(self, lines[i]);
}

/* --- an entry --------------------------------------------------------------------------------
 */

static void settle(Entry *entry);

static void
set_phase(Entry *entry, Phase phase)
{
    gboolean recorded = entry->phase == OURS || phase == OURS;

    if (entry->phase == phase)
        return;
    entry->phase = phase;
    if (recorded)
        save(entry->hold);
}

static void
answer(Entry *entry, const GError *error)
{
    g_autoptr(GArray) waiters = entry->waiters;

    entry->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = &g_array_index(waiters, Waiter, i);
        waiter->done(error, waiter->done_data);
    }
}

static void
let_go(EhdHold *self)
{
    if (!self->freed || self->pending > 0)
        return;
    g_ptr_array_unref(self->entries);
    g_free(self);
}

/* FALSE: we are freed, and perhaps gone. */
static gboolean
back(Entry *entry)
{
    EhdHold *self = entry->hold;

    entry->busy = FALSE;
    self->pending--;
    if (!self->freed)
        return TRUE;
    let_go(self);
    return FALSE;
}

static void
go(Entry *entry)
{
    entry->busy = TRUE;
    entry->hold->pending++;
}

static void
on_set_on(gboolean value, const GError *error, gpointer data)
{
    Entry *entry = data;

    if (!back(entry))
        return;
    if (error != NULL) {
        set_phase(entry, FREE);
        answer(entry, error);
    }
    settle(entry);
}

static void
on_got_to_take(gboolean value, const GError *error, gpointer data)
{
    Entry *entry = data;
    EhdHold *self = entry->hold;

    if (!back(entry))
        return;
    if (error != NULL) {
        answer(entry, error);
    } else if (value) {
        set_phase(entry, THEIRS);
    } else {
        set_phase(entry, OURS); /* on disk before it is done */
        go(entry);
        self->ops->set(entry->kind, entry->adapter, TRUE, on_set_on, entry, self->user_data);
        return;
    }
    settle(entry);
}

static void
on_put_back(gboolean value, const GError *error, gpointer data)
{
    Entry *entry = data;

    if (!back(entry))
        return;
    if (error != NULL)
        g_info("%s of an adapter is not put back: %s", kind_names[entry->kind], error->message);
    set_phase(entry, FREE);
    settle(entry);
}

static void
on_got_to_put_back(gboolean value, const GError *error, gpointer data)
{
    Entry *entry = data;
    EhdHold *self = entry->hold;

    if (!back(entry))
        return;
    if (entry->refs == 0 && entry->phase == OURS && error == NULL && value) {
        go(entry);
        self->ops->set(entry->kind, entry->adapter, FALSE, on_put_back, entry, self->user_data);
        return;
    }
    /* it is gone, or somebody has turned it off already */
    if (entry->refs == 0)
        set_phase(entry, FREE);
    settle(entry);
}

static void
settle(Entry *entry)
{
    EhdHold *self = entry->hold;

    if (entry->busy)
        return;
    if (entry->refs == 0 && entry->phase == OURS) {
        go(entry);
        self->ops->get(entry->kind, entry->adapter, on_got_to_put_back, entry, self->user_data);
    } else if (entry->refs == 0) {
        set_phase(entry, FREE);
    } else if (entry->phase != FREE) {
        answer(entry, NULL);
    } else if (entry->waiters->len > 0) {
        go(entry);
        self->ops->get(entry->kind, entry->adapter, on_got_to_take, entry, self->user_data);
    }
}

/* --- public ----------------------------------------------------------------------------------
 */

void
ehd_hold_take(EhdHold *self, EhdHoldKind kind, const guint8 adapter[6], EhdHoldTaken done,
              gpointer done_data)
{
    Entry *entry = entry_of(self, kind, adapter);
    Waiter waiter = {.done = done, .done_data = done_data};

    entry->refs++;
    g_array_append_val(entry->waiters, waiter);
    settle(entry);
}

void
ehd_hold_drop(EhdHold *self, EhdHoldKind kind, const guint8 adapter[6])
{
    Entry *entry = entry_of(self, kind, adapter);

    if (--entry->refs == 0)
        settle(entry);
}

void
ehd_hold_seen(EhdHold *self, EhdHoldKind kind, const guint8 adapter[6], gboolean value)
{
    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = g_ptr_array_index(self->entries, i);

        if (entry->kind != kind || memcmp(entry->adapter, adapter, 6) != 0 || entry->busy)
            continue;
        if (!value && (entry->phase == OURS || entry->phase == THEIRS))
            set_phase(entry, LOST);
    }
}

void
ehd_hold_settle(EhdHold *self)
{
    for (guint i = 0; i < self->entries->len; i++)
        settle(g_ptr_array_index(self->entries, i));
}

static void
on_nothing(gboolean value, const GError *error, gpointer data)
{
    EhdHold *self = data;

    self->pending--;
    let_go(self);
}

EhdHold *
ehd_hold_new(int dir_fd, const EhdHoldOps *ops, gpointer user_data)
{
    EhdHold *self = g_new0(EhdHold, 1);

    self->dir_fd = dir_fd;
    self->ops = ops;
    self->user_data = user_data;
    self->entries = g_ptr_array_new_with_free_func(entry_free);
    load(self);
    return self;
}

void
ehd_hold_free(EhdHold *self)
{
    if (self == NULL)
        return;
    self->freed = TRUE;
    self->pending++; /* not gone within the loop */
    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = g_ptr_array_index(self->entries, i);

        if (entry->phase != OURS)
            continue;
        set_phase(entry, FREE);
        self->pending++;
        self->ops->set(entry->kind, entry->adapter, FALSE, on_nothing, self, self->user_data);
    }
    on_nothing(FALSE, NULL, self);
}
