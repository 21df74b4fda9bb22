/* SPDX-License-Identifier: Apache-2.0
 *
 * The owner of a session in the tests (host.h): answers as it is told, and remembers what it
 * was told.
 */
#include "tests/daemon/core/host.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"

static void
remember_state(Owner *owner, EhdSession *session)
{
    const char *name = ehd_session_state_name(ehd_session_get_info(session)->state);

    owner->error = ehd_session_get_info(session)->error;
    if (g_str_has_suffix(owner->states->str, name))
        return;
    if (owner->states->len > 0)
        g_string_append_c(owner->states, ' ');
    g_string_append(owner->states, name);
}

static void
on_changed(EhdSession *session, gpointer user_data)
{
    remember_state(user_data, session);
}

static void
on_transfer_changed(EhdSession *session, gpointer user_data)
{
    g_assert_true(ehd_session_get_info(session)->has_transfer);
}

static void
on_progress(EhdSession *session, EhdDirection direction, gpointer user_data)
{
    const EhdSessionInfo *info = ehd_session_get_info(session);

    g_assert_cmpuint(info->done, <=, info->bytes);
    ((Owner *)user_data)->progressed++;
}

static void
on_item_changed(EhdSession *session, EhdDirection direction, guint id, EhdItemState state,
                gpointer user_data)
{
}

static void
on_ask_consent(EhdSession *session, gpointer user_data)
{
    Owner *owner = user_data;

    owner->asked++;
    switch (owner->answer) {
    case AGREE:
        ehd_session_answer_consent(session, TRUE, NULL, NULL, 0, 0, 0);
        break;
    case DECLINE:
        ehd_session_answer_consent(session, FALSE, NULL, NULL, 0, 0, 0);
        break;
    case NARROW:
        ehd_session_answer_consent(session, TRUE, NULL, owner->narrowed, owner->n_narrowed, 0,
                                   0);
        break;
    case SAY_NOTHING:
        break;
    }
}

static void
give_item(Owner *owner, EhdSession *session, guint id)
{
    g_autofree char *name = g_strdup_printf("%u", id);
    g_autofree char *path = g_build_filename(owner->files_dir, name, NULL);

    owner->given++;
    ehd_session_give_item(session, id, open(path, O_RDONLY | O_CLOEXEC), EHP_OK);
}

static void
on_open_item(EhdSession *session, guint id, gpointer user_data)
{
    Owner *owner = user_data;

    owner->opened++;
    switch (owner->giving) {
    case GIVE:
        give_item(owner, session, id);
        break;
    case GIVE_NONE:
        ehd_session_give_item(session, id, -1, EHP_NO_INPUT);
        break;
    case GIVE_LATER:
        owner->waiting_for = id;
        break;
    case SPOIL: {
        g_autofree char *name = g_strdup_printf("%u", id);
        g_autofree char *path = g_build_filename(owner->files_dir, name, NULL);
        g_assert_cmpint(truncate(path, 1), ==, 0);
        give_item(owner, session, id);
        break;
    }
    }
}

static void
on_void_questions(EhdSession *session, EhdVoidReason reason, gpointer user_data)
{
    Owner *owner = user_data;

    owner->voided++;
    owner->void_reason = reason;
}

static void
on_filed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Owner *owner = user_data;
    g_autoptr(GError) error = NULL;

    owner->filed = ehd_session_file_finish(owner->session, result, &error);
    owner->filing = ehd_error_status(error);
}

/* Did it fail? Only an owner that expects it may go on. */
static gboolean
stumbled(Owner *owner, const GError *error)
{
    if (!owner->stumbles)
        g_assert_no_error(error);
    if (error != NULL)
        owner->stumbled = ehd_error_status(error);
    return error != NULL;
}

static void
on_item_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Owner *owner = user_data;
    g_autoptr(GError) error = NULL;

    ehd_session_item_stored_finish(owner->session, result, &error);
    if (stumbled(owner, error))
        return;
    owner->collected++;
    if (owner->files && ehd_session_get_info(owner->session)->role == EHD_TERMINAL &&
        owner->collected == ehd_session_get_info(owner->session)->items)
        ehd_session_file_async(owner->session, on_filed, owner);
}

typedef struct {
    Owner *owner;
    EhdDirection direction;
    guint id;
} Collecting;

static GBytes *
copy_of(GMappedFile *file)
{
    return g_bytes_new(g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
}

static void
set_got(Owner *owner, guint id, GBytes *bytes)
{
    g_clear_pointer((GBytes **)&g_ptr_array_index(owner->got, id), g_bytes_unref);
    g_ptr_array_index(owner->got, id) = bytes;
}

static void
on_collected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Collecting *collecting = user_data;
    Owner *owner = collecting->owner;
    g_autoptr(GError) error = NULL;
    int fd = ehd_session_collect_item_finish(owner->session, result, &error);
    g_autoptr(GMappedFile) file = NULL;
    struct stat st;

    if (stumbled(owner, error))
        return;
    g_assert_cmpint(fstatat(fd, "", &st, AT_EMPTY_PATH), ==, 0);
    g_assert_true(S_ISREG(st.st_mode));
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    /* mapped, not read: a call that fails is to be one of the daemon's */
    file = g_mapped_file_new_from_fd(fd, FALSE, &error);
    g_assert_no_error(error);
    close(fd);
    if (collecting->direction == EHD_TO_PATIENT)
        g_ptr_array_add(owner->replies, copy_of(file));
    else
        set_got(owner, collecting->id, copy_of(file));
    ehd_session_item_stored_async(owner->session, collecting->direction, collecting->id,
                                  on_item_stored, owner);
}

static void
collect(Owner *owner, EhdDirection direction, guint id)
{
    Collecting *collecting = g_new(Collecting, 1);

    collecting->owner = owner;
    collecting->direction = direction;
    collecting->id = id;
    ehd_session_collect_item_async(owner->session, direction, id, on_collected, collecting);
}

/* Returns how many there were. */
static guint
collect_page(Owner *owner, EhdDirection direction, guint first)
{
    g_autoptr(GArray) items =
        ehd_session_list_items(owner->session, direction, first, 256, NULL);

    for (guint i = 0; i < items->len; i++) {
        const EhdItemInfo *item = &g_array_index(items, EhdItemInfo, i);

        if (direction == EHD_TO_TERMINAL && owner->got->len <= item->id)
            g_ptr_array_set_size(owner->got, (int)item->id + 1);
        if (owner->collects && item->state == EHD_ITEM_STORED)
            collect(owner, direction, item->id);
    }
    return items->len;
}

static void
on_items_arrived(EhdSession *session, EhdDirection direction, gpointer user_data)
{
    Owner *owner = user_data;

    owner->arrived += direction == EHD_TO_TERMINAL;
    for (guint first = 0, n = 256; n == 256; first += n)
        n = collect_page(owner, direction, first);
}

static void
on_offer_reply(EhdSession *session, gpointer user_data)
{
    Owner *owner = user_data;

    owner->offered++;
    if (owner->mulls_replies)
        return;
    ehd_session_answer_reply(session, owner->answer != DECLINE && !owner->declines_replies);
}

void
owner_collect_again(Owner *owner)
{
    if (owner->collected == ehd_session_get_info(owner->session)->items)
        ehd_session_file_async(owner->session, on_filed, owner);
    else
        collect_page(owner, EHD_TO_TERMINAL, 0);
}

static const EhdSessionListener listener = {
    .changed = on_changed,
    .transfer_changed = on_transfer_changed,
    .progress = on_progress,
    .item_changed = on_item_changed,
    .ask_consent = on_ask_consent,
    .open_item = on_open_item,
    .void_questions = on_void_questions,
    .items_arrived = on_items_arrived,
    .offer_reply = on_offer_reply,
};

static void
bytes_unref(gpointer bytes)
{
    if (bytes != NULL)
        g_bytes_unref(bytes);
}

void
owner_init(Owner *owner, Host *host)
{
    memset(owner, 0, sizeof *owner);
    owner->states = g_string_new(NULL);
    owner->files_dir = g_strdup(host->files);
    owner->got = g_ptr_array_new_with_free_func(bytes_unref);
    owner->replies = g_ptr_array_new_with_free_func(bytes_unref);
    owner->collects = owner->files = TRUE;
}

void
owner_clear(Owner *owner)
{
    g_string_free(owner->states, TRUE);
    g_free(owner->files_dir);
    g_ptr_array_unref(owner->got);
    g_ptr_array_unref(owner->replies);
}

void
owner_attach(Owner *owner, EhdSession *session)
{
    if (owner->session != session) {
        g_string_truncate(owner->states, 0);
        g_ptr_array_set_size(owner->got, 0);
        owner->collected = owner->arrived = owner->asked = owner->opened = 0;
    }
    owner->session = session;
    remember_state(owner, session);
    ehd_session_set_listener(session, &listener, owner);
}
