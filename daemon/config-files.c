/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the configuration is read from: one file and its drop-ins, which nobody but root and
 * the daemon's user may write. Main thread, at start and after SIGHUP.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/error.h"
#include "daemon/store/file.h"

#define DROP_INS_MAX 64

const char *const ehd_config_default_path = EHD_CONF_DIR "/ehrlinkd.conf";

static gboolean
load_fd(EhdConfig *config, int fd, const char *name, GError **error)
{
    if (!ehd_file_is_protected(fd)) {
        ehd_error_set(error, EHP_CONFIG_INVALID,
                      "%s: may be written by others than root and the daemon's user", name);
        return FALSE;
    }
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) text = ehd_file_read_fd(fd, name, EHD_CONFIG_FILE_MAX, &local);
    if (text == NULL) {
        ehd_error_set(error, EHP_CONFIG_INVALID, "%s", local->message);
        return FALSE;
    }
    return ehd_config_parse(config, name, g_bytes_get_data(text, NULL), g_bytes_get_size(text),
                            error);
}

static gboolean
load_file(EhdConfig *config, int dir_fd, const char *path, const char *name, gboolean optional,
          GError **error)
{
    int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT && optional)
            return TRUE;
        ehd_error_set(error, EHP_CONFIG_INVALID, "%s: %s", name, g_strerror(errno));
        return FALSE;
    }
    gboolean ok = load_fd(config, fd, name, error);
    close(fd);
    return ok;
}

static gboolean
load_drop_ins_fd(EhdConfig *config, int fd, const char *directory, GError **error)
{
    if (!ehd_file_is_protected(fd)) {
        ehd_error_set(error, EHP_CONFIG_INVALID,
                      "%s: may be written by others than root and the daemon's user",
                      directory);
        return FALSE;
    }
    g_auto(GStrv) files = ehd_file_list(fd, error);
    guint n = 0;
    for (guint i = 0; files != NULL && files[i] != NULL; i++) {
        if (!g_str_has_suffix(files[i], ".conf"))
            continue;
        g_autofree char *name = g_build_filename(directory, files[i], NULL);
        if (++n > DROP_INS_MAX) {
            ehd_error_set(error, EHP_CONFIG_INVALID, "%s: more than %d files", directory,
                          DROP_INS_MAX);
            return FALSE;
        }
        if (!load_file(config, fd, files[i], name, FALSE, error))
            return FALSE;
    }
    return files != NULL;
}

static gboolean
load_drop_ins(EhdConfig *config, const char *path, GError **error)
{
    g_autofree char *directory = g_strconcat(path, ".d", NULL);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            return TRUE;
        ehd_error_set(error, EHP_CONFIG_INVALID, "%s: %s", directory, g_strerror(errno));
        return FALSE;
    }
    gboolean ok = load_drop_ins_fd(config, fd, directory, error);
    close(fd);
    return ok;
}

static gboolean
check_whole(const EhdConfig *config, const char *path, GError **error)
{
    if (config->link_type != EHD_LINK_UNIX || config->link_directory != NULL)
        return TRUE;
    ehd_error_set(error, EHP_CONFIG_INVALID, "%s: [link] directory: is needed with type=unix",
                  path);
    return FALSE;
}

EhdConfig *
ehd_config_load(const char *path, GError **error)
{
    g_autoptr(EhdConfig) config = ehd_config_new();
    gboolean optional = path == NULL;
    if (path == NULL)
        path = ehd_config_default_path;
    if (!load_file(config, AT_FDCWD, path, path, optional, error) ||
        !load_drop_ins(config, path, error) || !check_whole(config, path, error))
        return NULL;
    return g_steal_pointer(&config);
}
