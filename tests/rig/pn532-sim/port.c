/* SPDX-License-Identifier: Apache-2.0
 *
 * The serial line of one chip: a pty whose slave a host opens as if it were /dev/ttyUSB0, under
 * a symbolic link that stays the same from plug to plug.
 */
#include "sim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool
port_plug(struct port *port)
{
    struct termios line;
    char name[64];

    port->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (port->master < 0 || grantpt(port->master) || unlockpt(port->master) ||
        ptsname_r(port->master, name, sizeof name))
        return false;
    port->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (port->slave < 0 || tcgetattr(port->slave, &line))
        return false;
    cfmakeraw(&line);
    tcsetattr(port->slave, TCSANOW, &line);
    unlink(port->link);
    return symlink(name, port->link) == 0;
}

void
port_unplug(struct port *port)
{
    port_drop(port);
    unlink(port->link);
    close(port->slave);
    close(port->master);
    port->slave = port->master = -1;
}

void
port_drop(struct port *port)
{
    while (port->first) {
        struct frame_out *frame = port->first;
        port->first = frame->next;
        free(frame);
    }
    port->last = NULL;
}

void
port_send(struct port *port, usec due, const uint8_t *bytes, size_t len)
{
    struct frame_out *frame = calloc(1, sizeof *frame);

    if (!frame)
        abort();
    /* frames stay in order on a serial line */
    frame->due = port->last && port->last->due > due ? port->last->due : due;
    frame->len = len;
    memcpy(frame->bytes, bytes, len);
    if (port->last)
        port->last->next = frame;
    else
        port->first = frame;
    port->last = frame;
}

usec
port_flush(struct port *port, usec now)
{
    while (port->first && port->first->due <= now) {
        struct frame_out *frame = port->first;
        /* a host that does not read loses bytes, as with a real UART */
        if (port->master >= 0 && write(port->master, frame->bytes, frame->len) < 0)
            tcflush(port->master, TCOFLUSH);
        port->first = frame->next;
        if (!port->first)
            port->last = NULL;
        free(frame);
    }
    return port->first ? port->first->due : 0;
}
