/* SPDX-License-Identifier: Apache-2.0
 *
 * A datagram to the service manager each half of the time that it waits. The few lines are less
 * than a library in the process that holds the keys.
 */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define USEC_PER_MS 1000

struct EhdWatchdog {
    int fd;
    guint timer;
};

static gboolean
on_beat(gpointer user_data)
{
    static const char beat[] = "WATCHDOG=1";
    EhdWatchdog *watchdog = user_data;

    /* one that is lost is made up for by the next */
    if (send(watchdog->fd, beat, strlen(beat), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        g_debug("watchdog: %s", g_strerror(errno));
    return G_SOURCE_CONTINUE;
}

/* "/path" or "@abstract". -1: not to be reached. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    int fd;

    if ((path[0] != '/' && path[0] != '@') || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Half of what the manager waits, in ms; 0: it does not watch us. */
static guint
period(void)
{
    const char *usec = g_getenv("WATCHDOG_USEC");
    const char *pid = g_getenv("WATCHDOG_PID");
    guint64 wait, whom;

    if (usec == NULL ||
        !g_ascii_string_to_unsigned(usec, 10, 2 * USEC_PER_MS, G_MAXUINT, &wait, NULL))
        return 0;
    if (pid != NULL && (!g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &whom, NULL) ||
                        whom != (guint64)getpid()))
        return 0;
    return (guint)(wait / 2 / USEC_PER_MS);
}

EhdWatchdog *
ehd_watchdog_new(void)
{
    guint ms = period();
    const char *path = g_getenv("NOTIFY_SOCKET");
    int fd = ms > 0 && path != NULL ? connect_to(path) : -1;
    EhdWatchdog *watchdog;

    g_unsetenv("NOTIFY_SOCKET");
    g_unsetenv("WATCHDOG_USEC");
    g_unsetenv("WATCHDOG_PID");
    if (fd < 0)
        return NULL;
    watchdog = g_new(EhdWatchdog, 1);
    watchdog->fd = fd;
    watchdog->timer = g_timeout_add(ms, on_beat, watchdog);
    on_beat(watchdog);
    return watchdog;
}

void
ehd_watchdog_free(EhdWatchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    g_source_remove(watchdog->timer);
    close(watchdog->fd);
    g_free(watchdog);
}
