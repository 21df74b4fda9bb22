/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to ehrlink-bt and their answers, by number.
 */
#include "daemon/link/radio.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/helper/client.h"
#include "daemon/link/link.h"
#include "daemon/words.h"

/* How long an unused helper stays connected. */
#define LINGER_MS 2000
/* The helper ends every connect by its own deadline, and every other question sooner. */
#define ANSWER_S  (EHD_RADIO_SECONDS_MAX + 5)

typedef struct {
    gboolean value, has_oob;
    guint8 oob[EHD_RADIO_OOB_LEN];
    int fd; /* owned; -1: none, or taken */
} Answer;

struct EhdRadio {
    EhdHelper *helper;
    char *program, *socket_path;
    gboolean greeted;
    guint32 last_id;
    GHashTable *questions; /* id → GTask, owned */
    guint keep, linger;
};

static void
answer_free(gpointer data)
{
    Answer *answer = data;

    ehd_link_hang_up(answer->fd);
    explicit_bzero(answer->oob, sizeof answer->oob);
    g_free(answer);
}

/* --- the helper's life -----------------------------------------------------------------------
 */

static gboolean
on_linger_over(gpointer user_data)
{
    EhdRadio *self = user_data;

    self->linger = 0;
    ehd_helper_stop(self->helper, FALSE);
    self->greeted = FALSE;
    return G_SOURCE_REMOVE;
}

static void
settle(EhdRadio *self)
{
    g_clear_handle_id(&self->linger, g_source_remove);
    if (self->keep == 0 && g_hash_table_size(self->questions) == 0 &&
        ehd_helper_is_running(self->helper))
        self->linger = g_timeout_add(LINGER_MS, on_linger_over, self);
}

static GTask *
steal(EhdRadio *self, guint32 id)
{
    gpointer key, task;

    if (!g_hash_table_steal_extended(self->questions, GUINT_TO_POINTER(id), &key, &task))
        return NULL;
    settle(self);
    return task;
}

static void
on_gone(gpointer user_data)
{
    EhdRadio *self = user_data;
    g_autoptr(GList) tasks = g_hash_table_get_values(self->questions);

    self->greeted = FALSE;
    g_hash_table_steal_all(self->questions);
    settle(self);
    /* whoever asked may have had the last word: we may be gone after each of these */
    for (GList *at = tasks; at != NULL; at = at->next) {
        g_task_return_new_error(at->data, EHD_ERROR, EHP_RADIO_HELPER_FAILED,
                                N_("the Bluetooth helper ended"));
        g_object_unref(at->data);
    }
}

/* --- what it says ----------------------------------------------------------------------------
 */

static gboolean
is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0;
}

static void
on_failed(GTask *task, const EhdRadioMessage *message)
{
    g_autofree char *raw = g_strndup((const char *)message->data, message->len);
    g_autofree char *detail = g_utf8_make_valid(raw, -1);

    g_task_return_new_error(task, EHD_ERROR, (int)message->status, "%s", detail);
}

static void
on_done(GTask *task, const EhdRadioMessage *message, int fd)
{
    Answer *answer = g_new0(Answer, 1);

    answer->value = message->value != 0;
    answer->fd = fd;
    answer->has_oob = message->len == EHD_RADIO_OOB_LEN;
    if (answer->has_oob)
        memcpy(answer->oob, message->data, EHD_RADIO_OOB_LEN);
    g_task_return_pointer(task, answer, answer_free);
}

/* Takes fd in any case. FALSE: that was no answer. */
static gboolean
on_answer(EhdRadio *self, const EhdRadioMessage *message, int fd)
{
    gboolean wants_fd = message->type == EHD_RADIO_CONNECTED;
    g_autoptr(GTask) task = NULL;

    if (!self->greeted || wants_fd != (fd >= 0) || (wants_fd && !is_stream(fd))) {
        ehd_link_hang_up(fd);
        return FALSE;
    }
    task = steal(self, message->id);
    if (task == NULL) { /* cancelled meanwhile */
        ehd_link_hang_up(fd);
    } else if (message->type == EHD_RADIO_FAILED) {
        on_failed(task, message);
    } else {
        on_done(task, message, fd);
    }
    return TRUE;
}

static gboolean
on_message(const guint8 *bytes, gsize length, int fd, gpointer user_data)
{
    EhdRadio *self = user_data;
    EhdRadioMessage message;

    if (ehd_radio_wire_parse(&message, bytes, length, EHD_RADIO_FROM_HELPER) != EHP_OK) {
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    if (message.type != EHD_RADIO_HELLO)
        return on_answer(self, &message, fd);
    self->greeted = message.value == EHD_RADIO_WIRE_VERSION && message.id == EHP_STATUS_COUNT;
    if (fd >= 0)
        close(fd);
    return self->greeted && fd < 0;
}

static const EhdHelperEvents helper_events = {.on_message = on_message, .on_gone = on_gone};

/* --- asking ----------------------------------------------------------------------------------
 */

typedef struct {
    EhdRadio *radio;
    guint32 id;
    gulong handler;
} Question;

static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
    GTask *task = user_data;
    Question *question = g_task_get_task_data(task);
    g_autoptr(GTask) stolen = NULL;
    guint8 bytes[EHD_RADIO_MESSAGE_MAX];
    gsize length;

    if (g_task_get_completed(task))
        return G_SOURCE_REMOVE;
    stolen = steal(question->radio, question->id);
    if (stolen == NULL) /* answered, and on its way */
        return G_SOURCE_REMOVE;
    length = ehd_radio_wire_build(
        bytes, &(EhdRadioMessage){.type = EHD_RADIO_CANCEL, .id = question->id});
    ehd_helper_send(question->radio->helper, bytes, length);
    g_task_return_error_if_cancelled(stolen);
    return G_SOURCE_REMOVE;
}

static gboolean
on_no_answer(gpointer user_data)
{
    GTask *task = user_data;
    Question *question = g_task_get_task_data(task);

    if (g_task_get_completed(task) ||
        g_hash_table_lookup(question->radio->questions, GUINT_TO_POINTER(question->id)) != task)
        return G_SOURCE_REMOVE;
    g_warning("the Bluetooth helper does not answer and is started again");
    ehd_helper_stop(question->radio->helper, TRUE);
    on_gone(question->radio);
    return G_SOURCE_REMOVE;
}

static void
attach(GSource *source, GTask *task, GSourceFunc function)
{
    g_source_set_callback(source, function, g_object_ref(task), g_object_unref);
    g_source_attach(source, g_task_get_context(task));
    g_source_unref(source);
}

void
ehd_radio_ask_async(EhdRadio *self, const EhdRadioMessage *message, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    Question *question = g_new0(Question, 1);
    EhdRadioMessage numbered = *message;
    guint8 bytes[EHD_RADIO_MESSAGE_MAX];
    gsize length;
    const char *why;

    g_task_set_task_data(task, question, g_free);
    g_task_set_check_cancellable(task, FALSE);
    question->radio = self;
    if (++self->last_id == 0)
        self->last_id = 1;
    numbered.id = question->id = self->last_id;
    /* an address comes from a peer, and an empty datagram would be a hang-up */
    length = ehd_radio_wire_build(bytes, &numbered);
    if (length == 0 || !ehd_helper_start(self->helper, &why)) {
        if (length == 0)
            g_task_return_new_error(task, EHD_ERROR, EHP_INVALID_ARGUMENT,
                                    N_("no such question"));
        else
            g_task_return_new_error(task, EHD_ERROR, EHP_RADIO_HELPER_FAILED, "%s", why);
        g_object_unref(task);
        return;
    }
    g_hash_table_insert(self->questions, GUINT_TO_POINTER(question->id), task);
    settle(self);
    if (cancellable != NULL)
        attach(g_cancellable_source_new(cancellable), task, G_SOURCE_FUNC(on_cancelled));
    attach(g_timeout_source_new_seconds(ANSWER_S), task, on_no_answer);
    ehd_helper_send(self->helper, bytes, length);
    explicit_bzero(bytes, sizeof bytes);
}

int
ehd_radio_ask_finish_fd(EhdRadio *self, GAsyncResult *result, GError **error)
{
    Answer *answer = g_task_propagate_pointer(G_TASK(result), error);
    int fd = -1;

    if (answer == NULL)
        return -1;
    fd = answer->fd;
    answer->fd = -1;
    answer_free(answer);
    if (fd < 0)
        ehd_error_set(error, EHP_RADIO_HELPER_FAILED, N_("no descriptor came"));
    return fd;
}

gboolean
ehd_radio_ask_finish(EhdRadio *self, GAsyncResult *result, gboolean *value, guint8 *oob,
                     gboolean *has_oob, GError **error)
{
    Answer *answer = g_task_propagate_pointer(G_TASK(result), error);

    if (answer == NULL)
        return FALSE;
    if (value != NULL)
        *value = answer->value;
    if (oob != NULL)
        memcpy(oob, answer->oob, EHD_RADIO_OOB_LEN);
    if (has_oob != NULL)
        *has_oob = answer->has_oob;
    answer_free(answer);
    return TRUE;
}

void
ehd_radio_keep(EhdRadio *self)
{
    self->keep++;
    settle(self);
}

void
ehd_radio_let_go(EhdRadio *self)
{
    self->keep--;
    settle(self);
}

gboolean
ehd_radio_is_installed(EhdRadio *self)
{
    return (self->socket_path != NULL && access(self->socket_path, F_OK) == 0) ||
           (self->program != NULL && access(self->program, X_OK) == 0);
}

/* --- life ------------------------------------------------------------------------------------
 */

EhdRadio *
ehd_radio_new(const char *program, const char *socket_path, gboolean verbose)
{
    char *arguments[] = {verbose ? (char *)"--verbose" : NULL, NULL};
    EhdHelperConfig config = {.name = N_("the Bluetooth helper"),
                              .program = program,
                              .socket_path = socket_path,
                              .arguments = arguments};
    EhdRadio *self = g_new0(EhdRadio, 1);

    self->program = g_strdup(program);
    self->socket_path = g_strdup(socket_path);
    self->questions = g_hash_table_new(NULL, NULL);
    self->helper = ehd_helper_new(&config, &helper_events, self);
    return self;
}

void
ehd_radio_free(EhdRadio *self)
{
    if (self == NULL)
        return;
    g_clear_handle_id(&self->linger, g_source_remove);
    on_gone(self);
    g_clear_handle_id(&self->linger, g_source_remove);
    ehd_helper_free(self->helper);
    g_hash_table_unref(self->questions);
    g_free(self->program);
    g_free(self->socket_path);
    g_free(self);
}
