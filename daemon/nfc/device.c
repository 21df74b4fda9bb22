/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a reader in libnfc and finding out what is wrong with it, since libnfc says only NULL
 * or -1. A serial port is opened here first: that tells a missing from a forbidden port, takes
 * the lock that libnfc does not take (flock, as minicom and others honour it), and its POLLHUP
 * tells an unplugged adapter from a bad frame.
 */
#include "daemon/nfc/device.h"

#include "daemon/nfc/busy.h"
#include "daemon/words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define AUTO_MAX      4
/* A single bad frame is the line; three in a row are the reader. */
#define FAILURES_MAX  3
/* A helper that is just ending (of a daemon that was started anew) still closes the reader. */
#define LOCK_TRIES    10
#define LOCK_PAUSE_MS 100

static const char *const serial_drivers[] = {"pn532_uart:", "arygon:", "acr122s:"};

static bool __attribute__((format(printf, 3, 4)))
fail(EhdNfcDevice *device, ehp_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(device->detail, sizeof device->detail, format, args);
    va_end(args);
    device->status = status;
    return false;
}

void
ehd_nfc_device_init(EhdNfcDevice *device, const char *reader)
{
    *device = (EhdNfcDevice){.reader = reader, .lock = -1};
    nfc_init(&device->context);
    if (!device->context)
        fail(device, EHP_NO_MEMORY, N_("libnfc did not start"));
}

/* The port of "driver:/dev/ttyUSB0:115200"; false if the reader is not a serial one. */
static bool
serial_port(const char *connstring, char *port, size_t size)
{
    for (size_t i = 0; i < sizeof serial_drivers / sizeof *serial_drivers; i++) {
        size_t skip = strlen(serial_drivers[i]);
        if (strncmp(connstring, serial_drivers[i], skip))
            continue;
        snprintf(port, size, "%.*s", (int)strcspn(connstring + skip, ":"), connstring + skip);
        return true;
    }
    return false;
}

static bool
fail_port(EhdNfcDevice *device, const char *port, int error)
{
    ehp_status missing = device->was_open ? EHP_READER_LOST : EHP_NO_READER;

    switch (error) {
    case EBUSY:
        return fail(device, EHP_READER_BUSY, "%s: " N_("another program uses it"), port);
    case EACCES:
    case EPERM:
        return fail(
            device, EHP_NO_READER,
            "%s: " N_(
                "no permission to open it (group ehrlink-nfc, or DeviceAllow= in the unit)"),
            port);
    default:
        return fail(device, missing, "%s: %s", port, strerror(error));
    }
}

static bool
lock_port(EhdNfcDevice *device, const char *port)
{
    device->lock = open(port, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (device->lock < 0)
        return fail_port(device, port, errno);
    if (!isatty(device->lock))
        return fail(device, EHP_NO_READER, "%s: " N_("not a serial port"), port);
    for (int i = 0; i < LOCK_TRIES && flock(device->lock, LOCK_EX | LOCK_NB); i++) {
        if (i + 1 < LOCK_TRIES && errno == EWOULDBLOCK)
            poll(NULL, 0, LOCK_PAUSE_MS);
        else
            return fail_port(device, port, errno == EWOULDBLOCK ? EBUSY : errno);
    }
    return true;
}

static void
unlock(EhdNfcDevice *device)
{
    if (device->lock >= 0)
        close(device->lock);
    device->lock = -1;
}

static bool
open_one(EhdNfcDevice *device, const char *connstring)
{
    char port[PATH_MAX] = "";
    bool serial = serial_port(connstring, port, sizeof port);

    if (serial && !lock_port(device, port)) {
        unlock(device);
        return false;
    }
    device->nfc = nfc_open(device->context, connstring);
    if (device->nfc)
        return true;
    unlock(device);
    if (serial)
        return fail(device, EHP_READER_MUTE, "%s: " N_("the reader does not answer"), port);
    device->status = ehd_nfc_usb_verdict("", device->detail, sizeof device->detail);
    if (device->status == EHP_NO_READER && device->was_open)
        device->status = EHP_READER_LOST;
    return false;
}

static bool
open_any(EhdNfcDevice *device)
{
    nfc_connstring found[AUTO_MAX];
    size_t count = nfc_list_devices(device->context, found, AUTO_MAX);

    for (size_t i = 0; i < count && i < AUTO_MAX; i++) {
        if (open_one(device, found[i]))
            return true;
    }
    if (count > 0)
        return false; /* the last one's reason stands */
    device->status = ehd_nfc_usb_verdict("", device->detail, sizeof device->detail);
    if (device->status == EHP_NO_READER && device->was_open)
        device->status = EHP_READER_LOST;
    return false;
}

bool
ehd_nfc_device_open(EhdNfcDevice *device)
{
    if (device->nfc)
        return true;
    if (!device->context)
        return false;
    if (strcmp(device->reader, "auto") ? !open_one(device, device->reader) : !open_any(device))
        return false;
    bool back = device->was_open;
    device->was_open = true;
    device->failures = 0;
    device->status = EHP_OK;
    snprintf(device->detail, sizeof device->detail, "%s%s", nfc_device_get_name(device->nfc),
             back ? ": " N_("back again") : "");
    return true;
}

void
ehd_nfc_device_close(EhdNfcDevice *device)
{
    if (device->nfc)
        nfc_close(device->nfc);
    device->nfc = NULL;
    unlock(device);
}

static bool
is_hung_up(const EhdNfcDevice *device)
{
    struct pollfd port = {.fd = device->lock};

    return device->lock >= 0 && poll(&port, 1, 0) > 0 &&
           (port.revents & (POLLHUP | POLLERR | POLLNVAL));
}

bool
ehd_nfc_device_judge(EhdNfcDevice *device, int result)
{
    bool suspect = result == NFC_EIO || result == NFC_ETIMEOUT || result == NFC_ESOFT;

    if (result == NFC_ENOTIMPL || result == NFC_EDEVNOTSUPP) {
        ehd_nfc_device_close(device);
        return fail(device, EHP_NO_READER, N_("this reader cannot act as an ISO-DEP card"));
    }
    if (!suspect) {
        device->failures = device->revivals = 0;
        return true;
    }
    if (is_hung_up(device)) {
        ehd_nfc_device_close(device);
        return fail(device, EHP_READER_LOST, N_("the reader was unplugged"));
    }
    if (++device->failures < FAILURES_MAX)
        return true;
    ehd_nfc_device_close(device);
    /* it may only sleep where libnfc thinks that it is awake: opening wakes it. Once. */
    if (device->revivals++ == 0)
        return false;
    if (result == NFC_ETIMEOUT)
        return fail(device, EHP_READER_MUTE, N_("the reader stopped answering"));
    return fail(device, EHP_READER_LOST, N_("the reader fails every command"));
}

bool
ehd_nfc_device_ping(EhdNfcDevice *device)
{
    for (int i = 0; i < FAILURES_MAX; i++) {
        /* a cheap command that is harmless in either role between two taps */
        int result = nfc_device_set_property_bool(device->nfc, NP_ACTIVATE_FIELD, false);
        if (!ehd_nfc_device_judge(device, result))
            return false;
        if (device->failures == 0)
            break;
    }
    return true;
}
