/* SPDX-License-Identifier: Apache-2.0
 *
 * The state directory and its lock. Main thread at start; the descriptors may be used anywhere.
 */
#include "daemon/store/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/words.h"

#define LOCK_FILE    "lock"
#define VERSION_FILE "version"
#define VERSION_KIND "state"

static const char *const rooms[] = {"identity", "trust.d",  "spool",
                                    "ledger",   "receipts", "audit"};

struct EhdState {
    char *directory; /* owned */
    int fd;
    int lock_fd;
    int room_fd[G_N_ELEMENTS(rooms)];
};

gboolean
ehd_state_id_valid(const char *id)
{
    gsize length = id == NULL ? 0 : strnlen(id, EHD_ID_MAX + 1);
    if (length == 0 || length > EHD_ID_MAX)
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isalnum(id[i]) && id[i] != '-' && id[i] != '_')
            return FALSE;
    }
    return TRUE;
}

/* Ours, and nobody else's to look into: patients' records lie here. */
static gboolean
check_private(int fd, const char *what, GError **error)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        ehd_error_set_errno(error, errno, what);
        return FALSE;
    }
    if (st.st_uid != geteuid()) {
        ehd_error_set(error, EHP_STORE_FAILED, "%s: " N_("belongs to another user"), what);
        return FALSE;
    }
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0) {
        ehd_error_set_errno(error, errno, what);
        return FALSE;
    }
    return TRUE;
}

static int
open_room(int dir_fd, const char *name, GError **error)
{
    if (mkdirat(dir_fd, name, 0700) != 0 && errno != EEXIST) {
        ehd_error_set_errno(error, errno, name);
        return -1;
    }
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        ehd_error_set_errno(error, errno, name);
        return -1;
    }
    if (check_private(fd, name, error))
        return fd;
    close(fd);
    return -1;
}

static gboolean
open_top(EhdState *state, GError **error)
{
    if (g_mkdir_with_parents(state->directory, 0700) != 0) {
        ehd_error_set_errno(error, errno, N_("make the state directory"));
        return FALSE;
    }
    state->fd = open(state->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (state->fd < 0) {
        ehd_error_set_errno(error, errno, N_("open the state directory"));
        return FALSE;
    }
    return check_private(state->fd, N_("the state directory"), error);
}

/* flock, not a pid file: the kernel lets go of it however we end. */
static gboolean
take_lock(EhdState *state, GError **error)
{
    state->lock_fd =
        openat(state->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (state->lock_fd < 0) {
        ehd_error_set_errno(error, errno, N_("lock the state directory"));
        return FALSE;
    }
    if (flock(state->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE;
    if (errno == EWOULDBLOCK)
        ehd_error_set(error, EHP_WRONG_STATE, N_("another ehrlinkd uses this state directory"));
    else
        ehd_error_set_errno(error, errno, N_("lock the state directory"));
    return FALSE;
}

static gboolean
check_version(EhdState *state, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) found = ehd_record_read(state->fd, VERSION_FILE, VERSION_KIND, 0, &local);
    if (found != NULL)
        return TRUE;
    if (!g_error_matches(local, EHD_ERROR, EHP_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    return ehd_record_write(state->fd, VERSION_FILE, VERSION_KIND, "", 0, error);
}

static gboolean
open_all(EhdState *state, GError **error)
{
    if (!open_top(state, error) || !take_lock(state, error) || !check_version(state, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(rooms); i++) {
        state->room_fd[i] = open_room(state->fd, rooms[i], error);
        if (state->room_fd[i] < 0)
            return FALSE;
    }
    return TRUE;
}

EhdState *
ehd_state_open(const char *directory, GError **error)
{
    EhdState *state = g_new0(EhdState, 1);
    state->directory = g_strdup(directory);
    state->fd = -1;
    state->lock_fd = -1;
    for (guint i = 0; i < G_N_ELEMENTS(rooms); i++)
        state->room_fd[i] = -1;
    if (open_all(state, error))
        return state;
    ehd_error_prefix(error, "%s", directory);
    ehd_state_free(state);
    return NULL;
}

void
ehd_state_free(EhdState *state)
{
    if (state == NULL)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(rooms); i++) {
        if (state->room_fd[i] >= 0)
            close(state->room_fd[i]);
    }
    if (state->lock_fd >= 0)
        close(state->lock_fd);
    if (state->fd >= 0)
        close(state->fd);
    g_free(state->directory);
    g_free(state);
}

const char *
ehd_state_directory(const EhdState *state)
{
    return state->directory;
}

int
ehd_state_fd(const EhdState *state)
{
    return state->fd;
}

int
ehd_state_room(const EhdState *state, const char *room)
{
    for (guint i = 0; i < G_N_ELEMENTS(rooms); i++) {
        if (strcmp(rooms[i], room) == 0)
            return state->room_fd[i];
    }
    g_error("no room %s in the state directory", room);
}
